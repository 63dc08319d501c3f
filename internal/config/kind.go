package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"postflight/internal/builtin"
	"postflight/internal/discovery"
	"postflight/internal/schedule"
	"postflight/probe/unitprobe"
)

type form int

const (
	scalar  form = iota
	list         // of items
	mapping      // with the keys that the table has below it
	byName       // a mapping from names to items
)

// kind is what may stand as the value of a key.
type kind struct {
	name   string // as messages and the documentation call it
	limits string // of numbers, durations, lists and long texts
	form   form
	items  *kind                   // of a list, or by name
	most   int                     // items of a list; 0: no limit
	named  func(name string) error // of what stands by name, whether a name is one

	// Of a scalar: tag is the YAML type that it must have, where the text alone does not tell. read makes the value of
	// the text; its error says what is wrong and what to do. secret: no message repeats the text. discreet: no error of
	// read repeats what may be a password.
	tag      string
	read     func(text string) (any, error)
	secret   bool
	discreet bool

	schema map[string]any // what JSON schema can say of it beyond its type
}

// parse reads a scalar's text.
func (k kind) parse(text string) (any, error) {
	got, err := k.read(text)
	return got, k.withoutPassword(text, err)
}

// withoutPassword sees to it that no message repeats a text that may hold a password.
func (k kind) withoutPassword(text string, err error) error {
	if err != nil && discovery.MayHoldPassword(text) && !k.discreet {
		return fmt.Errorf("what stands here is no %s, and is not repeated since it may hold a password; write one", k.name)
	}
	return err
}

const (
	textTag    = "!!str"
	numberTag  = "!!int"
	decimalTag = "!!float" // or a whole number
	booleanTag = "!!bool"
)

var (
	mappingKind  = kind{name: "mapping", form: mapping}
	booleanKind  = kind{name: "boolean", tag: booleanTag, read: readBoolean}
	scheduleKind = kind{name: "schedule", read: func(text string) (any, error) { return schedule.Parse(text) }}
	decimalKind  = kind{name: "number", tag: decimalTag, read: readDecimal}
	nameKind     = kind{name: "name", tag: textTag, read: readName, schema: map[string]any{"pattern": validName.String()}}
	targetKind   = kind{name: "URL", tag: textTag, read: readTarget, discreet: true, schema: map[string]any{"pattern": "^https?://"}}
	unitKind     = kind{name: "unit name", tag: textTag, read: readUnit}
	fileKind     = kind{name: "file", tag: textTag, read: readFile, schema: map[string]any{"minLength": 1}}
	builtinKind  = kind{name: "built-in check's name", tag: textTag, read: readBuiltin, schema: map[string]any{"enum": builtinNames()}}
)

func listOf(items kind) kind {
	return kind{name: "list", form: list, items: &items}
}

// atMost gives the kind of a list with no more items than that.
func (k kind) atMost(items int) kind {
	k.most, k.limits, k.schema = items, fmt.Sprintf("%d at most", items), map[string]any{"maxItems": items}
	return k
}

// choice is the kind of a word out of a few.
func choice(name string, words ...string) kind {
	return kind{name: name, tag: textTag, schema: map[string]any{"enum": words}, read: func(text string) (any, error) {
		if slices.Contains(words, text) {
			return text, nil
		}
		if meant, ok := nearest(text, words); ok {
			return nil, fmt.Errorf("%s is not a %s; did you mean %s?", quote(text), name, meant)
		}
		return nil, fmt.Errorf("%s is not a %s; write one of %s", quote(text), name, strings.Join(words, ", "))
	}}
}

func namesOf(items kind, named func(string) error) kind {
	return kind{name: "mapping", form: byName, items: &items, named: named}
}

// duration is a kind of time.Duration between two limits.
func duration(least, most time.Duration) kind {
	schema := map[string]any{"pattern": "[0-9](ns|us|µs|ms|s|m|h)$"}
	return kind{name: "duration", limits: short(least) + " to " + short(most), schema: schema, read: func(text string) (any, error) {
		d, err := time.ParseDuration(text)
		if _, notNumber := strconv.ParseFloat(text, 64); notNumber == nil && (err != nil || d == 0) {
			return nil, fmt.Errorf("%s has no unit; write it such as 500ms, 5s or 1h30m", quote(text))
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s is not a duration; write one such as 500ms, 5s or 1h30m", quote(text))
		case d < least:
			return nil, fmt.Errorf("%s is too short; write %s or more", text, short(least))
		case d > most:
			return nil, fmt.Errorf("%s is too long; write %s or less", text, short(most))
		}
		return d, nil
	}}
}

// short writes a duration without the zeros that Go puts behind it.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

const mostNumber = 1_000_000

// wholeNumber is a kind of int between two limits.
func wholeNumber(least, most int) kind {
	return kind{name: "whole number", limits: fmt.Sprintf("%d to %d", least, most), tag: numberTag, schema: map[string]any{"minimum": least, "maximum": most}, read: func(text string) (any, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s is not a plain whole number; write one such as 5", quote(text))
		}
		if n < least || n > most {
			return nil, fmt.Errorf("%d is out of range; write %d to %d", n, least, most)
		}
		return n, nil
	}}
}

func readDecimal(text string) (any, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return nil, fmt.Errorf("%s is not a plain number; write one such as 1 or 0.5", quote(text))
	}
	return number, nil
}

func readBoolean(text string) (any, error) { return strings.ToLower(text) == "true", nil }

var validName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`)

func readName(text string) (any, error) { return text, checkName(text) }

func checkName(text string) error {
	if !validName.MatchString(text) {
		return fmt.Errorf("%s is not a name; write up to 64 of the characters a-z A-Z 0-9 . _ -", quote(text))
	}
	return nil
}

func readTarget(text string) (any, error) { return discovery.ReadTarget(text) }

func readUnit(text string) (any, error) {
	if strings.Contains(text, "/") { // a path or a URL: not repeated, for what it may hold
		return nil, errors.New("a unit's name holds no slash; write it as systemctl does, such as proxy-system.service")
	}
	name, err := unitprobe.Name(text)
	if err != nil && !strings.Contains(err.Error(), ";") {
		err = fmt.Errorf("%w; write it as systemctl does, such as proxy-system.service", err)
	}
	return name, err
}

func readFile(text string) (any, error) {
	if text == "" {
		return nil, errors.New("the file has no name; write one, absolute or relative to this file")
	}
	if strings.Contains(text, "-----BEGIN") {
		return nil, errors.New("what stands here is what a file holds, not its name; save it, and write the file's name")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, errors.New("the file's name holds a control character; write it on one line")
	}
	return text, nil
}

func readBuiltin(text string) (any, error) {
	if check, ok := builtin.Lookup(text); ok {
		return check, nil
	}
	names := builtinNames()
	if meant, ok := nearest(text, names); ok {
		return nil, fmt.Errorf("there is no built-in check %s; did you mean %s?", quote(text), meant)
	}
	return nil, fmt.Errorf("there is no built-in check %s; write one of %s", quote(text), strings.Join(names, ", "))
}

func builtinNames() []string {
	var names []string
	for _, check := range builtin.All() {
		names = append(names, check.Name)
	}
	return names
}
