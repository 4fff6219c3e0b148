// `go-syslog PATH` says hello to the system log that listens there.
package main

import (
	"fmt"
	"log/syslog"
	"os"
)

func main() {
	log, err := syslog.Dial("unixgram", os.Args[1], syslog.LOG_INFO|syslog.LOG_USER, "go-syslog")
	if err == nil {
		err = log.Info("hello from Go")
	}
	fmt.Println(err)
}
