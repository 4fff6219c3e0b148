module chbind.test/probes

go 1.19
