package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.000", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseAccepts(t *testing.T) {
	now := at("2026-03-10 12:34:56.789")
	for _, tc := range []struct {
		text            string
		next, afterNext string
		shortest        time.Duration
	}{
		{"@every 15s", "2026-03-10 12:35:00.000", "2026-03-10 12:35:15.000", 15 * time.Second},
		{"@every 100ms", "2026-03-10 12:34:56.800", "2026-03-10 12:34:56.900", 100 * time.Millisecond},
		{"@every 1.5s", "2026-03-10 12:34:57.000", "2026-03-10 12:34:58.500", 1500 * time.Millisecond},
		{"@every   1h30m", "2026-03-10 13:30:00.000", "2026-03-10 15:00:00.000", 90 * time.Minute},
		{"@every 8760h", "2026-12-18 00:00:00.000", "2027-12-18 00:00:00.000", 365 * 24 * time.Hour},
		{"*/5 * * * * *", "2026-03-10 12:35:00.000", "2026-03-10 12:35:05.000", 5 * time.Second},
		{"0,50 59,0 * * * *", "2026-03-10 12:59:00.000", "2026-03-10 12:59:50.000", 10 * time.Second},
		{"0,50 30 * * * *", "2026-03-10 13:30:00.000", "2026-03-10 13:30:50.000", 50 * time.Second},
		{"* * * * *", "2026-03-10 12:35:00.000", "2026-03-10 12:36:00.000", time.Minute},
		{"  0,50 9 * * *  ", "2026-03-11 09:00:00.000", "2026-03-11 09:50:00.000", 50 * time.Minute},
		{"@hourly", "2026-03-10 13:00:00.000", "2026-03-10 14:00:00.000", time.Hour},
		{"@daily", "2026-03-11 00:00:00.000", "2026-03-12 00:00:00.000", 24 * time.Hour},
		{"@monthly", "2026-04-01 00:00:00.000", "2026-05-01 00:00:00.000", 24 * time.Hour},
		{"0 3 * * *", "2026-03-11 03:00:00.000", "2026-03-12 03:00:00.000", 24 * time.Hour},
		{"CRON_TZ=Asia/Shanghai 0 3 * * *", "2026-03-10 19:00:00.000", "2026-03-11 19:00:00.000", 24 * time.Hour},
		{"TZ=Asia/Shanghai\t@daily", "2026-03-10 16:00:00.000", "2026-03-11 16:00:00.000", 24 * time.Hour},
		{"CRON_TZ=Europe/Berlin 0 3 28,29 3 *", "2026-03-28 02:00:00.000", "2026-03-29 01:00:00.000", 24 * time.Hour},
		{"0 0 29 2 *", "2028-02-29 00:00:00.000", "2032-02-29 00:00:00.000", 24 * time.Hour},
		{"0 12 * * mon-fri", "2026-03-11 12:00:00.000", "2026-03-12 12:00:00.000", 24 * time.Hour},
	} {
		t.Run(tc.text, func(t *testing.T) {
			s, err := Parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			next, afterNext := at(tc.next), at(tc.afterNext)
			if got := s.Next(now); !got.Equal(next) {
				t.Errorf("next: got %v, want %v", got, next)
			}
			if got := s.Next(next); !got.Equal(afterNext) {
				t.Errorf("after next: got %v, want %v", got, afterNext)
			}
			if got, want := s.Interval(now), afterNext.Sub(next); got != want {
				t.Errorf("interval: got %v, want %v", got, want)
			}
			if got := s.Shortest(); got != tc.shortest {
				t.Errorf("shortest: got %v, want %v", got, tc.shortest)
			}
			if got, want := s.String(), strings.TrimSpace(tc.text); got != want {
				t.Errorf("as written: got %q, want %q", got, want)
			}
		})
	}
}

// Each refusal says what to write instead.
func TestParseRefuses(t *testing.T) {
	const fields = `; write five fields (minute, hour, day of month, month, day of week), six with seconds in front, "@hourly" or "@every 15s"`
	for _, tc := range []struct{ text, want string }{
		{"", `the schedule is empty; write one such as "@every 15s"`},
		{" \t ", `the schedule is empty; write one such as "@every 15s"`},
		{"15s", `"15s" is a duration; write "@every 15s"`},
		{"@every", `"" is not a duration; write @every with a number and its unit, such as "@every 500ms", "@every 15s" or "@every 1h30m"`},
		{"@every 15", `"15" is not a duration; write @every with a number and its unit, such as "@every 500ms", "@every 15s" or "@every 1h30m"`},
		{"@every 1d", `"1d" is not a duration; write @every with a number and its unit, such as "@every 500ms", "@every 15s" or "@every 1h30m"`},
		{"@every 0s", `@every 0s is too often; write "@every 100ms" or more`},
		{"@every -5s", `@every -5s is too often; write "@every 100ms" or more`},
		{"@every 50ms", `@every 50ms is too often; write "@every 100ms" or more`},
		{"@every 8761h", `@every 8761h is too seldom; write "@every 8760h" or less`},
		{"@every 1.2345s", `@every 1.2345s is not a whole number of 10 ms; write "@every 1.23s"`},
		{"CRON_TZ=Europe/Berlin @every 5s", `@every knows no time zone; leave the zone out of "CRON_TZ=Europe/Berlin @every 5s"`},
		{"TZ=0", `unknown time zone "0"; write one such as CRON_TZ=Europe/Berlin, or leave it out for UTC`},
		{"CRON_TZ=UTC", `after CRON_TZ=UTC comes the schedule itself; write it such as "CRON_TZ=UTC 0 3 * * *"`},
		{"CRON_TZ=UTC TZ=UTC", `after CRON_TZ=UTC comes the schedule itself; write it such as "CRON_TZ=UTC 0 3 * * *"`},
		{"CRON_TZ= 0 3 * * *", `"CRON_TZ=" names no time zone; write one such as CRON_TZ=Europe/Berlin`},
		{"CRON_TZ=Local 0 3 * * *", `"CRON_TZ=Local" names no time zone; write one such as CRON_TZ=Europe/Berlin`},
		{"CRON_TZ=Europe/Berln 0 3 * * *", `unknown time zone "Europe/Berln"; write one such as CRON_TZ=Europe/Berlin, or leave it out for UTC`},
		{"0 0 31 2 *", `"0 0 31 2 *" never fires: no month that it names has such a day; write one that exists`},
		{", * * * * *", `", * * * * *" never fires: a field holds nothing but commas; write * for any value`},
		{"* * *", `"* * *" is not a schedule: expected 5 to 6 fields, found 3: [* * *]` + fields},
		{"61 * * * *", `"61 * * * *" is not a schedule: end of range (61) above maximum (59): 61` + fields},
		{"* * * * someday", `"* * * * someday" is not a schedule: "someday" is not a number` + fields},
		{"@reboot", `"@reboot" is not a schedule: unrecognized descriptor: @reboot` + fields},
		{strings.Repeat("1,", 200) + "1 * * * *", "the schedule is 409 characters long; write at most 256"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			_, err := Parse(tc.text)
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEqualHoweverWritten(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"@every 1m", "@every 60s", true},
		{"* * * * *", "0 * * * * *", true},
		{"@hourly", "0 * * * *", true},
		{"0 3 * * *", "CRON_TZ=UTC 0 3 * * *", true},
		{"0 3 * * *", "CRON_TZ=Europe/Berlin 0 3 * * *", false},
		{"0 3 1 * *", "0 3 1 * */1", true},
		{"@every 15s", "*/15 * * * * *", false}, // one is of the clock, the other of the epoch
		{"@every 15s", "@every 30s", false},
	} {
		if got := parse(t, tc.a).Equal(parse(t, tc.b)); got != tc.want {
			t.Errorf("%q equal to %q: got %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestEveryKeepsToTheGridAndTheLimits(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{time.Second, "@every 1s"},
		{1234567 * time.Microsecond, "@every 1.24s"},
		{0, "@every 100ms"},
		{1000 * 24 * time.Hour, "@every 8760h0m0s"},
	} {
		got := Every(tc.d)
		if got.String() != tc.want || !got.Equal(parse(t, tc.want)) {
			t.Errorf("every %v: got %v, want %s", tc.d, got, tc.want)
		}
	}
}

func parse(t testing.TB, text string) Schedule {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever Parse accepts fires, at times that go forward, and is read again as the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"@every 15s", "@every 1h30m", "@every -5s", "@every 9999999h", "*/5 * * * * *", "0 0 31 2 *", "0 0 29 2 *", "TZ=0", "CRON_TZ=UTC",
		"CRON_TZ=Asia/Shanghai 0 3 * * *", "CRON_TZ=America/Sao_Paulo 0 0 * * *", "@daily", "@reboot", ", * * * *", "1-2-3 * * * *",
		"0/99999999999 * * * *", "*/0 * * * *", "? ? ? ? ?", "\x00", "5-1 * * * *", "0 0 1 jan sun",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		for now := at("2026-03-10 12:34:56.789"); now.Year() < 2030; now = now.AddDate(0, 5, 1) {
			next := s.Next(now)
			if !next.After(now) {
				t.Fatalf("%q after %v fires at %v", text, now, next)
			}
			if interval := s.Interval(now); interval <= 0 {
				t.Fatalf("%q after %v has the interval %v", text, now, interval)
			}
		}
		if s.Shortest() < 100*time.Millisecond {
			t.Errorf("%q may fire every %v", text, s.Shortest())
		}
		again, err := Parse(s.String())
		if err != nil || !again.Equal(s) {
			t.Errorf("%q read again: %v, %v", text, again, err)
		}
	})
}
