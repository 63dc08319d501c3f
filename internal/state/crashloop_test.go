package state_test

import (
	"testing"
	"time"
)

func TestCrashLooping(t *testing.T) {
	const running, waiting, failed = "active/running", "activating/auto-restart", "failed/failed"
	loop := []look{
		{at: 0, state: running, invocation: "a"},
		{at: 10, n: 1, state: running, invocation: "b"},
		{at: 20, n: 2, state: running, invocation: "c"},
		{at: 30, n: 3, state: running, invocation: "d"},
	}
	for _, row := range []struct {
		name  string
		looks []look
		at    float64
		want  bool
	}{
		{"two restarts are none", loop[:3], 21, false},
		{"three within five minutes are", loop, 31, true},
		{"all three between two looks", []look{{at: 0, state: running}, {at: 10, n: 3, state: running, invocation: "b"}}, 11, true},
		{"still, though it runs", loop, 329, true},
		{"until five minutes are quiet", loop, 330, false},
		{
			"three within more than five minutes are none",
			[]look{{at: 0, state: running}, {at: 10, n: 1, state: running}, {at: 200, n: 2, state: running}, {at: 310, n: 3, state: running}}, 311, false,
		},
		{
			"a fourth makes it last longer",
			append(loop[:4:4], look{at: 200, n: 4, state: running, invocation: "e"}), 499, true,
		},
		{
			"nobody looked for an hour in which it restarted now and then",
			[]look{{at: 0, state: running}, {at: 3600, n: 6, state: running}}, 3601, false,
		},
		{
			"nobody looked for an hour in which it restarted all the time",
			[]look{{at: 0, state: running}, {at: 3600, n: 600, state: running}}, 3601, true,
		},
		{"failed after restarts", []look{{at: 0, state: running}, {at: 5, n: 1, state: failed}}, 7, true},
		{"failed for the moment before its next restart", []look{{at: 0, n: 1, state: running}, {at: 5, n: 1, state: failed}}, 6, false},
		{"restarted after that moment", []look{{at: 0, n: 1, state: running}, {at: 5, n: 1, state: failed}, {at: 5, n: 1, state: waiting}, {at: 6, n: 2, state: running}}, 60, false},
		{"failed since long, and seen", []look{{at: 0, state: running}, {at: 5, n: 5, state: failed}, {at: 900, n: 5, state: failed}}, 901, true},
		{"failed without any restart", []look{{at: 0, state: running}, {at: 5, state: failed}}, 6, false},
		{"on the way to its first restart", []look{{at: 0, state: running}, {at: 5, n: 1, state: "failed/failed-before-auto-restart"}}, 6, false},
		{"first seen between two crashes", []look{{at: 0, n: 21667, state: waiting}}, 1, true},
		{"first seen running after many", []look{{at: 0, n: 21667, state: running}}, 1, false},
		{"first seen at its first restart", []look{{at: 0, n: 1, state: waiting}}, 1, false},
		{
			"started by hand and not up for a minute yet",
			append(loop[:4:4], look{at: 40, state: running, invocation: "mended"}), 99, true,
		},
		{
			"started by hand, which shows before there is a process, and up for a minute",
			append(loop[:4:4], look{at: 40, state: "inactive/dead", invocation: "mended"}, look{at: 40, state: running, invocation: "mended"}), 100, false,
		},
		{
			"started by hand and up for a minute",
			append(loop[:4:4], look{at: 40, state: running, invocation: "mended"}), 100, false,
		},
		{
			"started by hand and crashed again",
			append(loop[:4:4], look{at: 40, state: running, invocation: "x"}, look{at: 50, state: waiting, invocation: "x"}), 200, true,
		},
		{
			"started by hand, and crashed again unseen",
			append(loop[:4:4], look{at: 40, state: running, invocation: "x"}, look{at: 50, n: 1, state: running, invocation: "y"}), 111, true,
		},
		{
			"started by hand, and down when it was seen first",
			append(loop[:4:4], look{at: 40, n: 3, state: waiting, invocation: "x"}), 111, true,
		},
		{
			"a single restart after it was over",
			append(loop[:4:4], look{at: 40, state: running, invocation: "m"}, look{at: 110, n: 1, state: running, invocation: "n"}), 111, false,
		},
		{"stopped by hand, and systemd has forgotten it", append(loop[:4:4], look{at: 40, state: "inactive/dead"}), 41, false},
		{
			"stopped by hand, and systemd keeps what it knew",
			append(loop[:4:4], look{at: 40, n: 3, state: "inactive/dead", invocation: "d", result: "exit-code"}), 42, false,
		},
		{
			"inactive for the moment before its next start",
			append(loop[:4:4], look{at: 40, n: 3, state: "inactive/dead", invocation: "d"}, look{at: 41, n: 3, state: waiting, invocation: "d"}), 60, true,
		},
		{"inactive for that moment", append(loop[:4:4], look{at: 40, n: 3, state: "inactive/dead", invocation: "d"}), 41, true},
		{
			"stopped by hand, started again, and restarted once",
			append(loop[:4:4], look{at: 40, n: 3, state: "inactive/dead", invocation: "d"}, look{at: 50, state: running, invocation: "e"}, look{at: 60, n: 1, state: running, invocation: "f"}), 61, false,
		},
		{
			"stopped by hand before it was one, and restarted once",
			append(loop[:3:3], look{at: 30, state: "inactive/dead"}, look{at: 50, state: running, invocation: "e"}, look{at: 60, n: 1, state: running, invocation: "f"}), 61, false,
		},
		{"while out of reach nothing is forgotten", append(loop[:4:4], look{at: 60, away: true}), 61, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := unitAfter(row.looks...).CrashLooping(noon.Add(time.Duration(row.at * float64(time.Second)))); got != row.want {
				t.Errorf("crash looping: %t, want %t", got, row.want)
			}
		})
	}
}
