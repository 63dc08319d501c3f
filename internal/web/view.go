package web

import (
	"fmt"
	"strconv"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// tone is how a row is coloured. It never tells anything that is not written as well.
type tone string

const (
	good  tone = "good"
	warn  tone = "warn"
	bad   tone = "bad"
	blind tone = "blind" // not known
)

// view is what the page shows: texts, ready to be written.
//
// What came from a backend or a log is left out, except status codes and the names of modules that are missing: the page
// may be open to more people than those are. What was wanted is our own text.
type view struct {
	Tone     tone
	Headline string
	Reload   string // what became of the last reload, where it failed
	At       time.Time
	Services []serviceView
}

type serviceView struct {
	Name    string
	Tone    tone
	Summary string
	Paused  string // until when; empty: it is not
	Notes   []note
	Targets []targetView
	Units   []unitView

	Deployments []deploymentView // the newest first
}

type targetView struct {
	URL    string
	Checks []checkView
}

type checkView struct {
	Name     string
	Optional bool
	Tone     tone
	Outcome  string
	Reason   string
	Status   string
	Wanted   string
	Age      string
	Took     string
}

type unitView struct {
	Name     string
	Tone     tone
	State    string
	Sub      string
	Note     string
	Restarts uint64
	Since    string
	Memory   string
	Log      string
	Age      string
}

func viewOf(snapshot *state.Snapshot) view {
	v := view{Reload: reloadNote(snapshot.Reload), At: snapshot.Time.UTC()}
	var tones []tone
	for _, service := range snapshot.Services {
		s := serviceOf(service, snapshot.Time)
		v.Services = append(v.Services, s)
		tones = append(tones, s.Tone)
	}
	v.Tone = worst(tones)
	v.Headline = headline(tones)
	return v
}

func headline(tones []tone) string {
	switch worst(tones) {
	case bad:
		return services(count(tones, bad), len(tones)) + " failing"
	case blind:
		return services(count(tones, blind), len(tones)) + " not known"
	case warn:
		return services(count(tones, warn), len(tones)) + " with warnings"
	}
	if len(tones) == 0 {
		return "No service is configured"
	}
	return services(len(tones), len(tones)) + " healthy"
}

func services(n, of int) string {
	switch {
	case of == 1:
		return "1 service"
	case n == of:
		return fmt.Sprintf("%d services", of)
	default:
		return fmt.Sprintf("%d of %d services", n, of)
	}
}

// worst is the gravest of tones: what is known to be bad goes before what is not known.
func worst(tones []tone) tone {
	for _, t := range []tone{bad, blind, warn} {
		if count(tones, t) > 0 {
			return t
		}
	}
	return good
}

func count(tones []tone, t tone) (n int) {
	for _, of := range tones {
		if of == t {
			n++
		}
	}
	return n
}

func serviceOf(service state.ServiceState, now time.Time) serviceView {
	v := serviceView{Name: service.Name, Notes: notesOf(service), Deployments: deploymentsOf(service, now)}
	if until := pausedUntil(service, now); !until.IsZero() {
		v.Paused = until.UTC().Format("2006-01-02 15:04:05") + " UTC"
	}
	var tones []tone
	for _, n := range v.Notes {
		tones = append(tones, n.Tone)
	}
	at := map[string]int{}
	for _, c := range service.Checks {
		url := c.Check.Key.Target
		i, known := at[url]
		if !known {
			i = len(v.Targets)
			at[url] = i
			v.Targets = append(v.Targets, targetView{URL: url})
		}
		check := checkOf(c, now)
		v.Targets[i].Checks = append(v.Targets[i].Checks, check)
		tones = append(tones, weight(check))
	}
	for _, u := range service.Units {
		unit := unitOf(u, now)
		v.Units = append(v.Units, unit)
		tones = append(tones, unit.Tone)
	}
	v.Tone = worst(tones)
	v.Summary = map[tone]string{good: "healthy", warn: "warnings", bad: "failing", blind: "not known"}[v.Tone]
	return v
}

// weight is what a check means to its service: one that is not critical does not take it down.
func weight(c checkView) tone {
	if c.Optional && c.Tone != good {
		return warn
	}
	return c.Tone
}

func checkOf(c *state.CheckState, now time.Time) checkView {
	v := checkView{Name: c.Check.Key.Check, Optional: !c.Check.Critical}
	if !c.HasRun() {
		v.Tone, v.Outcome = blind, "not run yet"
		return v
	}
	last := c.Last
	v.Tone = map[probe.Outcome]tone{probe.Pass: good, probe.Warn: warn, probe.Fail: bad, probe.Error: blind}[last.Outcome]
	v.Outcome, v.Reason, v.Wanted = last.Outcome.String(), string(last.Reason), last.Wanted
	if last.Status != 0 {
		v.Status = strconv.Itoa(last.Status)
	}
	v.Age, v.Took = ago(now.Sub(last.End())), fmt.Sprintf("%d ms", last.Duration.Milliseconds())
	return v
}

func unitOf(u *state.UnitState, now time.Time) unitView {
	v := unitView{Name: u.Key.Unit, Restarts: u.Restarts, Log: logText(u.Log)}
	switch {
	case !u.HasRun():
		v.Tone, v.State = blind, "not looked at yet"
		return v
	case !u.Observable():
		v.Tone, v.State, v.Age = blind, "out of reach", ago(now.Sub(u.Last.End()))
		return v
	}
	seen := u.Last.Unit
	v.State, v.Sub, v.Age = u.State(), seen.SubState, ago(now.Sub(u.Last.End()))
	switch v.State {
	case "active":
		v.Tone = good
	case "reloading", "refreshing", "activating", "deactivating":
		v.Tone = warn
	default:
		v.Tone = bad
	}
	if u.CrashLooping(now) {
		v.Tone, v.Note = bad, "crash looping"
	}
	if v.State == "active" && !seen.ActiveEnter.IsZero() {
		v.Since = duration(now.Sub(seen.ActiveEnter))
	}
	if seen.MemoryBytes != nil {
		v.Memory = fmt.Sprintf("%.0f MiB", float64(*seen.MemoryBytes)/(1<<20))
	}
	return v
}

func ago(d time.Duration) string { return duration(d) + " ago" }

// duration says how long in one unit, which is as exact as anybody reads it.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
