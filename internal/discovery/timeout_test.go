package discovery

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestAListServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		list := newHTTPList(HTTP{URL: "http://inventory.example/targets", RefreshInterval: time.Minute, Scheme: "http"}, "postflight/1.2.3")
		list.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
		start := time.Now()
		_, err := list.read(t.Context())
		const want = "http://inventory.example/targets: no whole answer within 10s; is the server well?"
		if err == nil || err.Error() != want || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v, want %s", time.Since(start), err, want)
		}
	})
}
