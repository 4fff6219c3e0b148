// An HTTP server that gives the runtime much to interrupt: `go-server ADDRESS`. Busy goroutines have to be preempted, which
// the runtime does by sending itself signals, and a collector that never rests stops the world again and again.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

var kept [256][]byte

func main() {
	go func() {
		for {
			runtime.GC()
			time.Sleep(3 * time.Millisecond)
		}
	}()
	go func() {
		// Longer than a time slice without a point at which the goroutine would yield by itself.
		for x := uint64(1); ; time.Sleep(40 * time.Millisecond) {
			for end := time.Now().Add(25 * time.Millisecond); time.Now().Before(end); {
				for i := 0; i < 1000000; i++ {
					x = x*2862933555777941757 + 3037000493
				}
			}
		}
	}()
	n := 0
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n++
		kept[n%len(kept)] = make([]byte, 64<<10)
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "hello %s from %s\n", r.URL.Path, host)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], nil))
	os.Exit(1)
}
