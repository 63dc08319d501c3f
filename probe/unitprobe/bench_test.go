package unitprobe_test

import (
	"context"
	"fmt"
	"testing"

	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/unitprobe"
)

// BenchmarkFirstReadings is all that a single look takes: connecting to a real system bus, asking for signals, and
// reading every unit once.
func BenchmarkFirstReadings(b *testing.B) {
	h := testhost.Start(b)
	h.WriteUnit("u@.service", steady)
	h.Exec("sh", "-c", "systemctl start $(seq -f u@%.0f.service 0 299)")
	for _, n := range []int{1, 100, 300} {
		b.Run(fmt.Sprintf("units=%d", n), func(b *testing.B) {
			var keys []probe.Key
			for i := range n {
				keys = append(keys, probe.Key{Service: "proxy", Unit: fmt.Sprintf("u@%d.service", i)})
			}
			for b.Loop() {
				ctx, cancel := context.WithCancel(b.Context())
				left := n
				err := unitprobe.New(h.BusAddress, keys).Watch(ctx, func(r probe.Result) {
					if r.Unit == nil || r.Unit.LoadState != "loaded" {
						b.Errorf("told as %+v", r)
					}
					if left--; left == 0 {
						cancel()
					}
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
