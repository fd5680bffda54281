//go:build e2e

// Command web is the only program of the smallest possible container: it
// answers HTTP with a fixed text and ends when asked to, unless it was told to
// be stubborn. It must not need anything but the kernel.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run()) }

func run() int {
	listen := flag.String("listen", ":8090", "`address` to answer HTTP on")
	text := flag.String("text", "ok", "what to answer")
	stubborn := flag.Bool("stubborn", false, "ignore SIGTERM")
	check := flag.String("check", "", "ask this `URL` once and exit 0 if the answer is 200")
	flag.Parse()
	work := func() error { return serve(*listen, *text, *stubborn) }
	if *check != "" {
		work = func() error { return ask(*check) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func serve(listen, text string, stubborn bool) error {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if stubborn {
		signal.Ignore(syscall.SIGTERM)
		signals = signals[:1]
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	server := &http.Server{
		Addr:              listen,
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, text)
		}),
	}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func ask(url string) error {
	client := http.Client{Timeout: 3 * time.Second}
	reply, err := client.Get(url)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	io.Copy(io.Discard, reply.Body)
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", reply.Status)
	}
	return nil
}
