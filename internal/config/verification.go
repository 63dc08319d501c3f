package config

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"postflight/internal/hook"
	"postflight/internal/verdict"
)

var (
	slowdownKind = kind{name: "number", limits: "0, or above 1", tag: decimalTag, read: readSlowdown}
	argumentKind = kind{name: "text", limits: "4 KiB at most", tag: textTag, read: readArgument}
)

func readSlowdown(text string) (any, error) {
	got, err := readDecimal(text)
	if times, ok := got.(float64); ok && times != 0 && times <= 1 {
		return nil, errors.New("it would warn of requests that are as fast as before; write a number above 1, or 0 where they are not to be compared")
	}
	return got, err
}

func readArgument(text string) (any, error) {
	switch {
	case strings.ContainsRune(text, 0):
		return nil, errors.New("no argument holds the character U+0000; take it out")
	case len(text) > 4<<10:
		return nil, errors.New("it is longer than 4 KiB; write a script that knows it")
	}
	return text, nil
}

func plain(number float64) string { return strconv.FormatFloat(number, 'g', -1, 64) }

func policy(v *value) verdict.Policy {
	const at = "services[].verification."
	return verdict.Policy{
		SettleTimeout: get(v, "settle_timeout", fallback[time.Duration](at+"settle_timeout")),
		Window:        get(v, "window", fallback[time.Duration](at+"window")),
		Interval:      get(v, "interval", fallback[time.Duration](at+"interval")),
		Consecutive:   get(v, "consecutive", fallback[int](at+"consecutive")),
		MaxRestarts:   get(v, "max_restarts", fallback[int](at+"max_restarts")),
		MaxSlowdown:   get(v, "max_slowdown", fallback[float64](at+"max_slowdown")),
	}
}

// detect tells what is taken for a deployment. release may be nil.
func (b *builder) detect(v, release *value) string {
	usual := DetectRestart
	if release != nil {
		usual = DetectRelease
	}
	chosen := get(v, "detect", usual)
	if chosen == DetectRelease && release == nil {
		b.say(v.field("detect").place, "nothing tells which release runs; write release: into the service, or choose %s", DetectRestart)
	}
	return chosen
}

// onFailure reads what is run after a failed deployment, nil where that is nothing.
func (b *builder) onFailure(v *value) *hook.Hook {
	if v == nil || v.wrong {
		return nil
	}
	h := &hook.Hook{
		Timeout: get(v, "timeout", fallback[time.Duration]("services[].verification.on_failure.timeout")),
		On:      []string{verdict.API, verdict.CLI},
	}
	switch b.either(v, "it is not said what to run", "unit", "command") {
	case "unit":
		h.Unit = get(v, "unit", "")
	case "command":
		h.Command = b.command(v.field("command"))
	}
	if on := v.field("on"); on != nil && !on.wrong {
		if len(on.items) == 0 {
			b.say(on.place, "the list is empty, and nothing would ever be run; name a source, or leave on_failure out")
		}
		h.On = b.texts(on, "this source is listed already", strings.Clone)
	}
	return h
}

// command gives a program and its arguments. Where it is found must not hang on where the daemon was started.
func (b *builder) command(list *value) []string {
	if list.wrong {
		return nil
	}
	if len(list.items) == 0 {
		b.say(list.place, "the list is empty; write the program and its arguments, or leave the key out")
		return nil
	}
	var words []string
	for _, item := range list.items {
		word, _ := item.got.(string)
		words = append(words, word)
	}
	if program := list.items[0]; !program.wrong && !filepath.IsAbs(words[0]) {
		b.say(program.place, "%s is no absolute path; write one such as /opt/app/rollback.sh", quote(words[0]))
	}
	return words
}

// CheckPolicy tells all that is wrong with a policy from the command line, each by its flag.
func CheckPolicy(p verdict.Policy) error {
	r, table := &report{}, newTable()
	for _, set := range []struct{ key, text string }{
		{"settle_timeout", p.SettleTimeout.String()},
		{"window", p.Window.String()},
		{"interval", p.Interval.String()},
		{"consecutive", strconv.Itoa(p.Consecutive)},
		{"max_restarts", strconv.Itoa(p.MaxRestarts)},
		{"max_slowdown", plain(p.MaxSlowdown)},
	} {
		k, _ := table.find("services[].verification", set.key)
		if _, err := k.kind.read(set.text); err != nil {
			r.say(place{path: "--" + strings.ReplaceAll(set.key, "_", "-")}, "%s", err)
		}
	}
	return r.err()
}
