package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for what has to come.
const patience = 20 * time.Second

// eventually tries again and again until it has worked.
func eventually(try func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-again.C {
		if try() {
			return true
		}
	}
	return false
}

// get fetches a URL, again and again until it answers with status 200 and holds every one of the given texts. With a
// leading ! it wants the last answer to hold none of them.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: get URL [TEXT…]")
	}
	var last string
	if !eventually(func() bool {
		response, err := http.Get(args[0])
		if err != nil {
			last = err.Error()
			return false
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		last = string(body)
		return err == nil && response.StatusCode == http.StatusOK && holds(last, args[1:], neg)
	}) {
		ts.Fatalf("%s: not as wanted at last:\n%s", args[0], last)
	}
}

// post asks once, and wants a status and every one of the given texts. The address is HOST:PORT, or the file of a socket.
func post(ts *testscript.TestScript, neg bool, args []string) {
	token := ""
	if len(args) > 0 {
		if shown, is := strings.CutPrefix(args[0], "-token="); is {
			token, args = shown, args[1:]
		}
	}
	if len(args) < 3 || neg {
		ts.Fatalf("usage: post [-token=TOKEN] ADDRESS PATH STATUS [TEXT…]")
	}
	address, path, status := args[0], args[1], args[2]
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	if _, _, err := net.SplitHostPort(address); err != nil {
		socket := ts.MkAbs(address)
		client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}
		address = "localhost"
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+address+path, nil)
	ts.Check(err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	ts.Logf("%s\n%s", response.Status, body)
	if strconv.Itoa(response.StatusCode) != status || !holds(string(body), args[3:], false) {
		ts.Fatalf("not as wanted")
	}
}

// hangup sends SIGHUP to everything that runs in the background.
func hangup(ts *testscript.TestScript, _ bool, _ []string) {
	for _, command := range ts.BackgroundCmds() {
		ts.Check(command.Process.Signal(syscall.SIGHUP))
	}
}

// await waits until a file holds every one of the given texts.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: await FILE TEXT…")
	}
	var last string
	if !eventually(func() bool {
		content, err := os.ReadFile(ts.MkAbs(args[0]))
		last = string(content)
		return err == nil && holds(last, args[1:], false)
	}) {
		ts.Fatalf("%s: not as wanted at last:\n%s", args[0], last)
	}
}

func holds(text string, wanted []string, neg bool) bool {
	for _, w := range wanted {
		if strings.Contains(text, w) == neg {
			return false
		}
	}
	return true
}
