package exporter

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// Handler serves all metrics, and those of others after them, in the format that the client asks for, compressed where it
// takes that.
//
// Prometheus' own handler has all series in memory in the form in which they are written, and sorts them: with ten
// thousand checks that is 100 MiB, and half of a scrape's time. This one has a few metrics at a time.
func (e *Exporter) Handler(others prometheus.Gatherer) http.Handler {
	zippers := sync.Pool{New: func() any {
		zipper, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a third of the time, and a quarter more bytes
		return zipper
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
		w.Header().Set("Content-Type", string(format))
		w.Header().Set("Vary", "Accept, Accept-Encoding")
		if !takesGzip(r.Header) {
			e.write(w, format, others)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zipper := zippers.Get().(*gzip.Writer)
		defer zippers.Put(zipper)
		zipper.Reset(w)
		e.write(zipper, format, others)
		zipper.Close()
	})
}

// write writes one scrape. It ends early where the client has gone: there is nobody to tell.
func (e *Exporter) write(to io.Writer, format expfmt.Format, others prometheus.Gatherer) {
	encoder := expfmt.NewEncoder(to, format)
	s, d := e.newScrape(), desk{}
	for first := metricID(0); first <= metricCount; first += together {
		families := s.collect(first)
		for i := range families {
			if f := &families[i]; len(f.series) > 0 && encoder.Encode(d.lay(f)) != nil {
				return
			}
		}
	}
	theirs, _ := others.Gather() // what of it went well: blind in one eye is better than in both
	for _, family := range theirs {
		if encoder.Encode(family) != nil {
			return
		}
	}
	if end, has := encoder.(expfmt.Closer); has { // OpenMetrics has a last line
		end.Close()
	}
}

// takesGzip reads Accept-Encoding: see RFC 9110, section 12.5.3.
func takesGzip(header http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return weight == "" || strings.Trim(weight, " \tqQ=0.") != "" // q=0 is: not this one
		}
	}
	return false
}
