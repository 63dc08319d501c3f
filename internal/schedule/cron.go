package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const howToWrite = `write five fields (minute, hour, day of month, month, day of week), six with seconds in front, "@hourly" or "@every 15s"`

const fields = cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor

// splitZone takes CRON_TZ= (or TZ=) off the front. robfig's parser panics where nothing follows it, and reads Local as
// the zone of whoever asks. A nil zone means that none was given.
func splitZone(text string) (zone *time.Location, expression string, err error) {
	first, rest := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		first, rest = text[:i], text[i:]
	}
	if !strings.HasPrefix(first, "CRON_TZ=") && !strings.HasPrefix(first, "TZ=") {
		return nil, text, nil
	}
	_, name, _ := strings.Cut(first, "=")
	if name == "" || name == "Local" {
		return nil, "", fmt.Errorf("%q names no time zone; write one such as CRON_TZ=Europe/Berlin", first)
	}
	zone, err = time.LoadLocation(name)
	if err != nil {
		return nil, "", fmt.Errorf("unknown time zone %q; write one such as CRON_TZ=Europe/Berlin, or leave it out for UTC", name)
	}
	expression = strings.TrimSpace(rest)
	if expression == "" || strings.HasPrefix(expression, "CRON_TZ=") || strings.HasPrefix(expression, "TZ=") {
		return nil, "", fmt.Errorf("after %s comes the schedule itself; write it such as %q", first, first+" 0 3 * * *")
	}
	return zone, expression, nil
}

func parseCron(text, expression string, zone *time.Location) (Schedule, error) {
	if d, err := time.ParseDuration(expression); err == nil {
		return Schedule{}, fmt.Errorf("%q is a duration; write %q", text, "@every "+d.String())
	}
	parsed, err := cron.NewParser(fields).Parse(expression)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a schedule: %s; %s", text, kinder(err), howToWrite)
	}
	spec := parsed.(*cron.SpecSchedule)
	spec.Location = zone
	// A field of commas alone matches nothing, and robfig would search five years of seconds for it.
	for _, set := range []uint64{spec.Second, spec.Minute, spec.Hour, spec.Dom, spec.Month, spec.Dow} {
		if set == 0 {
			return Schedule{}, fmt.Errorf("%q never fires: a field holds nothing but commas; write * for any value", text)
		}
	}
	if spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("%q never fires: no month that it names has such a day; write one that exists", text)
	}
	shortest := shortestGap(spec)
	return Schedule{
		text:     text,
		timing:   spec,
		identity: fmt.Sprintf("%x %x %x %x %x %x %s", spec.Second, spec.Minute, spec.Hour, spec.Dom, spec.Month, spec.Dow, zone),
		shortest: shortest,
		spread:   min(shortest, maxCronSpread),
	}, nil
}

// kinder takes Go's own words out of robfig's message.
func kinder(err error) string {
	if rest, ok := strings.CutPrefix(err.Error(), "failed to parse int from "); ok {
		word, _, _ := strings.Cut(rest, ": strconv")
		return fmt.Sprintf("%q is not a number", word)
	}
	return err.Error()
}

// shortestGap finds the least time between two firings. Neighbours in time share their minute, or are the last of one
// minute and the first of the next that matches, and so on for hours and days.
func shortestGap(spec *cron.SpecSchedule) time.Duration {
	const day = 24 * time.Hour
	var first, last time.Duration // of those within one second, then minute, hour, day
	shortest := day
	for _, field := range []struct {
		set  uint64
		unit time.Duration
	}{{spec.Second, time.Second}, {spec.Minute, time.Minute}, {spec.Hour, time.Hour}} {
		set := field.set &^ (1 << 63) // robfig's mark for a star
		if step := narrowest(set); step > 0 {
			shortest = min(shortest, time.Duration(step)*field.unit+first-last)
		}
		first += time.Duration(bits.TrailingZeros64(set)) * field.unit
		last += time.Duration(63-bits.LeadingZeros64(set)) * field.unit
	}
	return min(shortest, day+first-last)
}

// narrowest gives the smallest distance between two members of the set; 0: it has only one.
func narrowest(set uint64) int {
	for step := 1; step < 64; step++ {
		if set&(set>>step) != 0 {
			return step
		}
	}
	return 0
}
