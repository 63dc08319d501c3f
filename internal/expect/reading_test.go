package expect_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

var (
	gauge   = &probe.Metric{Name: "value_orders"}
	counter = &probe.Metric{Name: "value_orders_total", Counter: true}
	states  = map[string]float64{"up": 0, "down": 1}
)

// from and each are readings of a gauge.
func from(t testing.TB, text string) expect.Reading {
	return expect.Reading{Metric: gauge, From: compileValue(t, text)}
}

func each(t testing.TB, text string) expect.Reading {
	return expect.Reading{Metric: gauge, Each: compileValue(t, text)}
}

// read gives what one reading yields, as "label=number …", with "unread" where that is not all.
func read(reading expect.Reading, a expect.Answer) string {
	j := expect.Rules{Values: []expect.Reading{reading}}.Judge(a)
	var told []string
	for _, v := range j.Values {
		told = append(told, strings.TrimPrefix(fmt.Sprintf("%s=%v", v.Label, v.Number), "="))
	}
	for range j.Unread {
		told = append(told, "unread")
	}
	return strings.Join(told, " ")
}

func TestReadingOne(t *testing.T) {
	number := func(r expect.Reading) expect.Reading { return r }
	counts := func(r expect.Reading) expect.Reading { r.Metric = counter; return r }
	named := func(r expect.Reading) expect.Reading { r.States = states; return r }
	tests := []struct {
		as   func(expect.Reading) expect.Reading
		body string // of which v is read
		want string
	}{
		{number, `{"v": 3}`, "3"}, {number, `{"v": 2.5}`, "2.5"}, {number, `{"v": 0}`, "0"}, {number, `{"v": -3}`, "-3"},
		{number, `{"v": true}`, "1"}, {number, `{"v": false}`, "0"},
		{number, `{"v": 9007199254740993}`, "9.007199254740992e+15"}, // as near as a number of Prometheus' comes
		{number, `{"v": null}`, "unread"}, {number, `{"v": "3"}`, "unread"}, {number, `{"v": ""}`, "unread"}, {number, `{"v": "NaN"}`, "unread"},
		{number, `{"v": []}`, "unread"}, {number, `{"v": [3]}`, "unread"}, {number, `{"v": {}}`, "unread"}, {number, `{"v": {"v": 3}}`, "unread"},
		{number, `{}`, "unread"}, {number, `[]`, "unread"}, {number, `null`, "unread"}, {number, `"v"`, "unread"},
		{counts, `{"v": 3}`, "3"}, {counts, `{"v": 0}`, "0"}, {counts, `{"v": -1}`, "unread"}, {counts, `{"v": -0.5}`, "unread"}, {counts, `{"v": "3"}`, "unread"},
		{named, `{"v": "up"}`, "0"}, {named, `{"v": "down"}`, "1"}, {named, `{"v": "Down"}`, "unread"}, {named, `{"v": "lost"}`, "unread"}, {named, `{"v": ""}`, "unread"},
		{named, `{"v": null}`, "unread"}, {named, `{"v": 7}`, "7"}, {named, `{"v": true}`, "1"},
	}
	for _, tt := range tests {
		if got := read(tt.as(from(t, `body.v`)), answer(t, tt.body)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.body, got, tt.want)
		}
	}
}

func TestReadingWhatIsNotInTheBody(t *testing.T) {
	for text, want := range map[string]string{
		`status`: "200", `duration`: "1.5", `size`: "2", `len(body)`: "0", `status == 200`: "1", `body?.v`: "unread", `body.v ?? 0`: "0", `header.etag`: "unread", `header`: "unread",
	} {
		if got := read(from(t, text), answer(t, `{}`)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// TestReadingNoNumber: encoding/json does not give these, and they are no numbers to tell all the same.
func TestReadingNoNumber(t *testing.T) {
	for _, v := range []any{math.NaN(), math.Inf(1), math.Inf(-1)} {
		a := answer(t, `{}`)
		a.Body = map[string]any{"v": v}
		if got := read(from(t, `body.v`), a); got != "unread" {
			t.Errorf("%v: got %q", v, got)
		}
	}
}

func TestReadingEach(t *testing.T) {
	plain := func(r expect.Reading) expect.Reading { return r }
	counts := func(r expect.Reading) expect.Reading { r.Metric = counter; return r }
	named := func(r expect.Reading) expect.Reading { r.States = states; return r }
	keyed := func(r expect.Reading) expect.Reading { r.KeyField, r.ValueField = "k", "v"; return r }
	tests := []struct {
		as   func(expect.Reading) expect.Reading
		body string
		want string
	}{
		// an object, sorted by key
		{plain, `{"open": 3, "closed": 5, "a b": 0}`, "a b=0 closed=5 open=3"},
		{plain, `{}`, ""},
		{plain, `{"a": 1, "b": null, "c": 2}`, "a=1 c=2 unread"},
		{plain, `{"a": "x", "b": [1], "c": {"v": 1}}`, "unread"},
		{plain, `{"a": true, "b": false}`, "a=1 b=0"},
		{named, `{"a": "up", "b": "down", "c": "lost"}`, "a=0 b=1 unread"},
		{counts, `{"a": 1, "b": -1}`, "a=1 unread"},
		// a list
		{plain, `[7, 8]`, "0=7 1=8"},
		{plain, `[]`, ""},
		{plain, `[7, null, 9]`, "0=7 2=9 unread"},
		{plain, `[{"v": 1}]`, "unread"},
		// a list of objects
		{keyed, `[{"k": "b", "v": 1}, {"k": "a", "v": 2, "w": 3}]`, "b=1 a=2"},
		{keyed, `[]`, ""},
		{keyed, `[{"k": "a", "v": 1}, {"k": "b"}, {"v": 3}, {"k": "d", "v": null}, {"k": null, "v": 5}, 6, null, {"k": "h", "v": 8}]`, "a=1 h=8 unread"},
		{keyed, `[{"k": 7, "v": 1}, {"k": 0.5, "v": 2}, {"k": 1e6, "v": 3}]`, "7=1 0.5=2 1000000=3"},
		{keyed, `[{"k": true, "v": 1}, {"k": ["a"], "v": 2}]`, "unread"},
		{keyed, `[{"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "a", "v": 3}]`, "b=2 unread"}, // which of the two is a's
		{keyed, `[{"k": "a", "v": 1}, {"k": "a"}]`, "unread"},
		{keyed, `[{"k": "7", "v": 1}, {"k": 7, "v": 2}]`, "unread"},
		{keyed, `[{"k": 9007199254740993, "v": 1}, {"k": 9007199254740992, "v": 2}]`, "unread"},
		{keyed, `{"k": "a", "v": 1}`, "unread"},
		// neither
		{plain, `null`, "unread"}, {plain, `3`, "unread"}, {plain, `"open"`, "unread"}, {plain, `true`, "unread"}, {keyed, `null`, "unread"}, {named, `"up"`, "unread"},
	}
	for _, tt := range tests {
		if got := read(tt.as(each(t, `body`)), answer(t, tt.body)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.body, got, tt.want)
		}
	}
	if got, want := read(each(t, `body.states`), answer(t, `{}`)), "unread"; got != want {
		t.Errorf("what is not there: got %q, want %q", got, want)
	}
	if got, want := read(each(t, `map(1..2, # * 10)`), answer(t, `{}`)), "0=10 1=20"; got != want {
		t.Errorf("a list that was made: got %q, want %q", got, want)
	}
	if got, want := read(each(t, `5..6`), answer(t, `{}`)), "0=5 1=6"; got != want {
		t.Errorf("a range: got %q, want %q", got, want)
	}
}

// TestEachIsBounded: the first thousand are told, and that there are more is told as well.
func TestEachIsBounded(t *testing.T) {
	items, fields, pairs := make([]any, 1001), map[string]any{}, make([]any, 1001)
	for i := range items {
		items[i] = 1.0
		fields[fmt.Sprintf("%04d", i)] = 1.0
		pairs[i] = map[string]any{"k": float64(i), "v": 1.0}
	}
	keyed := each(t, `body`)
	keyed.KeyField, keyed.ValueField = "k", "v"
	for _, tt := range []struct {
		name     string
		reading  expect.Reading
		body     any
		whole    bool
		lastName string
	}{
		{"a list", each(t, `body`), items, false, "999"},
		{"an object", each(t, `body`), fields, false, "0999"},
		{"a list of objects", keyed, pairs, false, "999"},
		{"a list of a thousand", each(t, `body`), items[:1000], true, "999"},
	} {
		j := expect.Rules{Values: []expect.Reading{tt.reading}}.Judge(expect.Answer{Status: 200, Body: tt.body})
		if n := len(j.Values); n != 1000 || j.Values[n-1].Label != tt.lastName || (len(j.Unread) == 0) != tt.whole {
			t.Errorf("%s: %d values, %d unread", tt.name, n, len(j.Unread))
		}
	}
}

func TestReadingKnowsItsMetricAndProcess(t *testing.T) {
	sent := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	a := answer(t, `{"up": 100.5, "n": 7, "by": {"a": 1}, "text": "100.5", "early": -1, "nothing": null, "ages": 1e12}`)
	a.Sent, a.Answered = sent, sent.Add(3*time.Millisecond)
	started := probe.Process{
		Earliest: sent.Add(-100500*time.Millisecond - 100*time.Millisecond),
		Latest:   a.Answered.Add(-100500*time.Millisecond + 100*time.Millisecond),
	}
	by := &probe.Metric{Name: "value_by_total", Counter: true, Label: "kind"}
	readings := []expect.Reading{from(t, `body.n`), {Metric: counter, From: compileValue(t, `body.n`)}, {Metric: by, Each: compileValue(t, `body.by`)}}
	told := func(process probe.Process) []probe.Value {
		return []probe.Value{
			{Metric: "value_orders", Own: gauge, Number: 7},
			{Metric: "value_orders_total", Own: counter, Number: 7, Process: process},
			{Metric: "value_by_total", Own: by, Label: "a", Number: 1, Process: process},
		}
	}
	onlyGauge := expect.Judgement{Values: told(started)[:1], Unread: []*probe.Metric{counter, by}}
	tests := []struct {
		runtime string // empty: none
		want    expect.Judgement
	}{
		{``, expect.Judgement{Values: told(probe.Process{})}},
		{`body.up`, expect.Judgement{Values: told(started)}},
		{`body.absent`, onlyGauge}, {`body.nothing`, onlyGauge}, {`body.text`, onlyGauge}, {`body.early`, onlyGauge}, {`body.ages`, onlyGauge},
		{`body.by`, onlyGauge}, {`body.up > 0`, onlyGauge},
	}
	for _, tt := range tests {
		rules := expect.Rules{Values: readings}
		if tt.runtime != "" {
			rules.Runtime = compileValue(t, tt.runtime)
		}
		if diff := cmp.Diff(tt.want, rules.Judge(a)); diff != "" {
			t.Errorf("runtime %q (-want +got):\n%s", tt.runtime, diff)
		}
	}
}

// FuzzReading: whatever the body, what is told is finite, bounded, of one label each, and the same each time; what is not
// told is told to be unread; and none of it is a reason to fail.
func FuzzReading(f *testing.F) {
	for _, body := range []string{
		orders, `{"v": 3}`, `[1, 2, "up"]`, `[{"k": "a", "v": 1}, {"k": 9007199254740993, "v": "down"}]`, `{"a": {"b": null}}`, `"up"`, `<html>`, `-0`, `1e308`,
		"[" + strings.Repeat("0,", 1200) + "0]",
	} {
		f.Add(body)
	}
	var readings []expect.Reading
	for _, metric := range []*probe.Metric{gauge, counter} {
		keyed := expect.Reading{Metric: metric, Each: compileValue(f, `body`), KeyField: "k", ValueField: "v", States: states}
		readings = append(readings, keyed,
			expect.Reading{Metric: metric, Each: compileValue(f, `body`), States: states}, expect.Reading{Metric: metric, Each: compileValue(f, `values(body)`)},
			expect.Reading{Metric: metric, From: compileValue(f, `body`)}, expect.Reading{Metric: metric, From: compileValue(f, `body.v`), States: states})
	}
	runtime, release := compileValue(f, `body?.v`), compileValue(f, `body`)
	f.Fuzz(func(t *testing.T, body string) {
		a := expect.Answer{Status: 200, Raw: []byte(body), Size: int64(len(body))}
		if json.Unmarshal(a.Raw, &a.Body) != nil {
			a.Body = body
		}
		for _, reading := range readings {
			rules := expect.Rules{Values: []expect.Reading{reading}, Runtime: runtime, Release: release}
			j := rules.Judge(a)
			if j.Outcome != probe.Pass || len(j.Values) > 1000 || len(j.Release) > 128 || len(j.Unread) > 1 {
				t.Errorf("%q: %+v", body, j)
			}
			if len(j.Values) == 0 && len(j.Unread) == 0 && reading.From != nil {
				t.Errorf("%q: neither read nor unread", body)
			}
			labels := map[string]bool{}
			for _, v := range j.Values {
				if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) || reading.Metric.Counter && v.Number < 0 || labels[v.Label] {
					t.Errorf("%q: %+v", body, v)
				}
				labels[v.Label] = true
			}
			if diff := cmp.Diff(j, rules.Judge(a)); diff != "" {
				t.Errorf("%q: first, then:\n%s", body, diff)
			}
		}
	})
}
