package unitprobe_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

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

// BenchmarkSweep reads every unit anew, over and over, on one connection. CPU-ms/s is what that costs this process when it
// is done as often as by default: all that is done while nothing happens.
func BenchmarkSweep(b *testing.B) {
	h := testhost.Start(b)
	h.WriteUnit("u@.service", steady)
	h.Exec("sh", "-c", "systemctl start $(seq -f u@%.0f.service 0 299)")
	for _, n := range []int{1, 300} {
		b.Run(fmt.Sprintf("units=%d", n), func(b *testing.B) {
			var keys []probe.Key
			for i := range n {
				keys = append(keys, probe.Key{Service: "proxy", Unit: fmt.Sprintf("u@%d.service", i)})
			}
			ctx, cancel := context.WithCancel(b.Context())
			told := make(chan struct{}, 1)
			watching := make(chan error, 1)
			go func() {
				watching <- unitprobe.New(h.BusAddress, keys, unitprobe.Interval(time.Millisecond)).Watch(ctx, func(probe.Result) {
					select {
					case told <- struct{}{}:
					case <-ctx.Done():
					}
				})
			}()
			for range n { // the first readings
				<-told
			}
			before := cpu(b)
			for b.Loop() {
				for range n {
					<-told
				}
			}
			used := cpu(b) - before
			cancel()
			if err := <-watching; err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(used.Seconds()*1000/float64(b.N)/15, "CPU-ms/s")
		})
	}
}

// cpu is the time that this process has computed for.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
