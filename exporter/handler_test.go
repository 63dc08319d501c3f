package exporter_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/exporter"
)

// TestFormatsAreToBeHad: whoever can read none of them gets text.
func TestFormatsAreToBeHad(t *testing.T) {
	const openMetrics, text, protobuf = "application/openmetrics-text", "text/plain", "application/vnd.google.protobuf"
	for _, row := range []struct{ accept, want, ends string }{
		{"", text, "\n"},
		{"*/*", text, "\n"},
		{"application/json", text, "\n"},
		{"text/plain;version=0.0.4", text, "\n"},
		{"application/openmetrics-text;version=1.0.0", openMetrics, "# EOF\n"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", protobuf, ""},
		{"application/openmetrics-text;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.6", text, "\n"},
	} {
		store, e := newExporter(t, exporter.Options{}, shop()...)
		aMorning(store, e)
		w := get(t, e, exporter.NewRegistry(), row.accept)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, row.want) {
			t.Errorf("%q: content type %q, want %s", row.accept, got, row.want)
		}
		body := w.Body.String()
		if !strings.HasSuffix(body, row.ends) || strings.Contains(body, "# EOF") != (row.want == openMetrics) {
			t.Errorf("%q: it ends with %q, want %q", row.accept, body[len(body)-10:], row.ends)
		}
		for _, name := range []string{"postflight_build_info", "postflight_value_orders_open", "go_goroutines"} {
			if !strings.Contains(body, name) {
				t.Errorf("%q: no %s", row.accept, name)
			}
		}
	}
}

func TestOnlyThoseWhoTakeItGetItCompressed(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                             false,
		"identity":                     false,
		"gzip":                         true,
		"GZip":                         true,
		"deflate, gzip;q=1.0, *;q=0.5": true,
		"gzip;q=0.001":                 true,
		"gzip;q=0":                     false,
		"gzip; q=0.000":                false,
		"zstd, br":                     false,
		"x-gzip":                       false,
	} {
		_, e := newExporter(t, exporter.Options{}, shop()...)
		handler := e.Handler(prometheus.NewRegistry())
		for range 2 { // what compresses is used again
			r, w := httptest.NewRequest(http.MethodGet, "/metrics", nil), httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", accept)
			handler.ServeHTTP(w, r)
			var body io.Reader = w.Body
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
				t.Fatalf("%q: compressed is %t", accept, got)
			}
			if want {
				var err error
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatalf("%q: %v", accept, err)
				}
			}
			if text, err := io.ReadAll(body); err != nil || string(text) != scrape(t, e) {
				t.Errorf("%q: %v, and %d bytes", accept, err, len(text))
			}
		}
	}
}

// TestAClientThatGoesAwayHarmsNobody: the next one gets everything.
func TestAClientThatGoesAwayHarmsNobody(t *testing.T) {
	_, e := newExporter(t, exporter.Options{}, shop()...)
	handler := e.Handler(prometheus.NewRegistry())
	for _, encoding := range []string{"identity", "gzip"} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept-Encoding", encoding)
		handler.ServeHTTP(gone{}, r)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Body.Len() < 500 {
			t.Errorf("%s: only %d bytes", encoding, w.Body.Len())
		}
	}
}

// gone is where a client was.
type gone struct{}

func (gone) Header() http.Header       { return http.Header{} }
func (gone) WriteHeader(int)           {}
func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
