package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// deployment is one of the day's: what is deployed, how postflight learns of it, and what it has to say.
type deployment struct {
	name     string
	before   string // shell: how things are when it begins
	release  string // shell: what it brings. Then the unit is restarted
	started  string // shell: what happens once the unit runs again
	policy   string // JSON, laid over what is configured
	announce func(*machine, announcement) verdict
	want     want
}

// want is what is to be told of a deployment. What is left empty is not asked for.
type want struct {
	verdict, reason string
	cause           string // the first: the one that explains the others
	explains        []string
	says            string // in its summary or in its hint
	evidence        string // in one line of it
	warnings        []string
	preexisting     bool
	within          time.Duration // from the unit's start to the verdict
}

// environment, in shell, gives the backend a variable.
func environment(variable string) string {
	return "echo " + variable + " >>/run/proxy-system.env\n"
}

// override, in shell, changes the backend's unit.
func override(lines string) string {
	return "mkdir -p /run/systemd/system/proxy-system.service.d\n" +
		"cat >/run/systemd/system/proxy-system.service.d/release.conf <<-'END'\n" + lines + "\nEND\nsystemctl daemon-reload\n"
}

const answers = "until curl -sf -m 1 -o /dev/null http://127.0.0.1:8000/health; do sleep 0.05; done\n"

var deployments = []deployment{
	{
		name:     "a good release",
		announce: overTCP,
		want:     want{verdict: "passed"},
	},
	{
		name:     "PyJWT is missing",
		release:  "rm /opt/proxy-system/venv/lib/python3*/site-packages/jwt\n",
		announce: overTCP,
		want: want{
			verdict: "failed", cause: "missing_dependency", explains: []string{"not_listening"},
			says: "PyJWT", evidence: "No module named 'jwt'", within: 5 * time.Second,
		},
	},
	{
		name:     "the old process holds the port, and answers in its place",
		release:  "systemctl stop proxy-system; systemctl start left-over\n" + answers,
		policy:   `{"window": "15s"}`, // until the new one has begun, all looks well
		announce: overTheSocket,
		want: want{
			verdict: "failed", cause: "port_in_use",
			explains: []string{"crash_loop"}, says: "ss -ltnp", evidence: "address already in use",
		},
	},
	{
		name:     "systemd gives up starting it",
		release:  override("[Unit]\nStartLimitIntervalSec=1min\nStartLimitBurst=3\n[Service]\nExecStart=\nExecStart=false"),
		policy:   `{"max_restarts": 10}`,
		announce: overTheSocket,
		want: want{
			verdict: "failed", cause: "start_limit_hit", explains: []string{"not_listening"},
			says: "systemctl reset-failed", evidence: "exit status 1",
		},
	},
	{
		name:     "another MYSQL_HOST",
		release:  environment("MYSQL_HOST=no-such-host.invalid"),
		policy:   `{"settle_timeout": "3s"}`,
		announce: overTheSocket,
		want: want{
			verdict: "failed", cause: "database_unreachable", explains: []string{"auth_broken", "queue_broken"},
			says: "MYSQL_HOST", evidence: "no-such-host.invalid",
		},
	},
	{
		name:     "Redis is down",
		release:  "systemctl stop redis-server\n",
		announce: overTheSocket,
		want:     want{verdict: "passed", warnings: []string{"cache_down"}},
	},
	{
		name:     "a proxy's page in the backend's place",
		release:  override("[Service]\nExecStart=\nExecStart=python3 /opt/proxy-system/page.py"),
		policy:   `{"settle_timeout": "3s"}`,
		announce: overTheSocket,
		want:     want{verdict: "failed", cause: "not_json", says: "the routing", evidence: "<!doctype html>"},
	},
	{
		name:     "nothing listens, and it is announced late",
		release:  override("[Service]\nExecStart=\nExecStart=sleep infinity"),
		started:  "sleep 2\n",
		policy:   `{"settle_timeout": "2s"}`,
		announce: overTheSocket,
		want:     want{verdict: "failed", cause: "not_listening", says: "ss -ltnp", evidence: "connection refused"},
	},
	{
		name:     "it hangs, and systemd calls it active (running)",
		started:  answers + "systemctl kill -s STOP proxy-system\n",
		policy:   `{"settle_timeout": "4s"}`,
		announce: overTheSocket,
		want:     want{verdict: "failed", cause: "timeout", says: "accepts connections and hangs", evidence: "health at http"},
	},
	{
		name:     "three times as slow as before",
		release:  environment("ANSWER_DELAY_SECONDS=0.25"),
		policy:   `{"window": "6s"}`,
		announce: overTheSocket,
		want:     want{verdict: "passed", warnings: []string{"slow"}},
	},
	{
		name:     "MariaDB was down before, and is",
		before:   "systemctl stop mariadb\n",
		policy:   `{"settle_timeout": "3s"}`,
		announce: overTheSocket,
		want: want{
			verdict: "inconclusive", reason: "preexisting", cause: "database_unreachable", preexisting: true,
			evidence: "127.0.0.1",
		},
	},
}

// Each on its own, after the last good release: the verdict, and what it says.
func TestDeployments(t *testing.T) {
	m := startForDeployments(t)
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) { m.in(t).tries(d) })
	}
	m.keepsSecrets()
}

func (m *machine) tries(d deployment) {
	m.t.Helper()
	m.wellAgain()
	m.Exec("sh", "-ec", d.before)
	if d.before != "" {
		m.everyCheckHasRun()
	}
	started := time.Now()
	m.Exec("sh", "-ec", d.release+"systemctl restart proxy-system\n"+d.started)
	a := announcing(d.name)
	a.SkipOnFailure, a.Verification = true, json.RawMessage(d.policy)
	v := d.announce(m, a)
	d.want.check(m.t, v)
	if took := v.DecidedAt.Sub(started); d.want.within != 0 && took > d.want.within {
		m.t.Errorf("the verdict came %v after the start, want %v", took, d.want.within)
	} else {
		m.t.Logf("%s %s, %v after the start, %v after it was announced", v.Verdict, v.Reason, took.Round(time.Millisecond), v.DecidedAt.Sub(v.StartedAt))
	}
	if v.Release != d.name || v.Rollback.State != "none" {
		m.t.Errorf("release %q, rollback %+v, want %q and none", v.Release, v.Rollback, d.name)
	}
}

func (w want) check(t testing.TB, v verdict) {
	t.Helper()
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if v.Verdict != w.verdict || v.State != w.verdict || v.Reason != w.reason {
		say("it is %s %s, want %s %s", v.Verdict, v.Reason, w.verdict, w.reason)
	}
	errors, warnings := v.bySeverity()
	if len(errors) == 0 {
		errors = []cause{{}}
	}
	first := errors[0]
	if first.Cause != w.cause || first.Preexisting != w.preexisting || len(errors) > 1 {
		say("its errors are %v, the first from before: %t, want %q alone, from before: %t", causesOf(errors), first.Preexisting, w.cause, w.preexisting)
	}
	for _, explained := range w.explains {
		if !names(first.Explains, explained) {
			say("it explains %v, want %s among them", causesOf(first.Explains), explained)
		}
	}
	if !strings.Contains(first.Summary+"\n"+first.Hint, w.says) {
		say("it says %q, and to do %q, want %q there", first.Summary, first.Hint, w.says)
	}
	if w.evidence != "" && !first.shows(w.evidence) {
		say("evidence %+v, want %q in it", first.Evidence, w.evidence)
	}
	if fmt.Sprint(causesOf(warnings)) != fmt.Sprint(w.warnings) {
		say("its warnings are %v, want %v", causesOf(warnings), w.warnings)
	}
	if wrong != nil {
		document, _ := json.MarshalIndent(v, "", "  ")
		t.Errorf("%s\n%s", strings.Join(wrong, "\n"), document)
	}
}

func causesOf(causes []cause) []string {
	var names []string
	for _, c := range causes {
		names = append(names, c.Cause)
	}
	return names
}
