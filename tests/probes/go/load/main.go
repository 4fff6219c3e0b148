// An HTTP client: `go-load HOST:PORT OWN REQUESTS`. Half of the requests come on connections of their own, half on kept ones; every
// answer is checked, and says from which address the server sees us. Prints the counts.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	host, own := os.Args[1], os.Args[2]
	requests, _ := strconv.Atoi(os.Args[3])
	go func() {
		for {
			runtime.GC()
			time.Sleep(3 * time.Millisecond)
		}
	}()
	var ok, failed, next int64
	var wait sync.WaitGroup
	for worker := 0; worker < 16; worker++ {
		client := &http.Client{
			Timeout:   200 * time.Second,
			Transport: &http.Transport{DisableKeepAlives: worker%2 == 0},
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				n := atomic.AddInt64(&next, 1)
				if n > int64(requests) {
					return
				}
				if err := get(client, host, fmt.Sprintf("/%d", n), own); err != nil {
					if atomic.AddInt64(&failed, 1) <= 5 {
						fmt.Println(err)
					}
				} else {
					atomic.AddInt64(&ok, 1)
				}
			}
		}()
	}
	wait.Wait()
	fmt.Printf("ok=%d failed=%d\n", ok, failed)
}

func get(client *http.Client, host, path, own string) error {
	answer, err := client.Get("http://" + host + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("hello %s from %s\n", path, own); string(body) != want {
		return fmt.Errorf("got %q, wanted %q", body, want)
	}
	return nil
}
