// The process that holds the namespaces of a pod: it waits, and takes the children that others leave behind.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			os.Exit(0)
		}
		for reap() > 0 {
		}
	}
}

func reap() int {
	pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	return pid
}
