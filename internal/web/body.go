package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// mostProblems is how many problems of a body are told.
const mostProblems = 20

// object is a JSON object of a request's body. Each key is read once; problems then tells all that is wrong with any.
type object struct {
	path  string // of the object, with a dot at its end; empty: it is the whole body
	keys  []string
	left  map[string]json.RawMessage // what has not been read yet
	wrong *[]string
}

// readObject reads the body of a request, which is one object and nothing else.
func readObject(r *http.Request, limit int64) (*object, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "", "reading the request's body: " + err.Error()}
	case int64(len(text)) > limit:
		return nil, &refusal{http.StatusRequestEntityTooLarge, "", fmt.Sprintf("the request's body is larger than %d KiB", limit>>10)}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, &refusal{http.StatusBadRequest, "", "the request's body is not JSON: " + atPlace(text, err)}
	}
	o := &object{wrong: new([]string)}
	if !o.fill(whole) {
		return nil, o.problems()
	}
	return o, nil
}

// atPlace says what is wrong with text, and where as editors count.
func atPlace(text []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	before := text[:min(int(max(syntax.Offset-1, 0)), len(text))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d: %s", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1, err)
}

// fill takes the keys of what is valid JSON, if it is an object.
func (o *object) fill(text json.RawMessage) bool {
	o.left = map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if begin, _ := decoder.Token(); begin != json.Delim('{') {
		o.say(cmp.Or(strings.TrimSuffix(o.path, "."), "the request's body"), cut(string(text))+" is not an object")
		return false
	}
	for decoder.More() {
		token, _ := decoder.Token()
		var value json.RawMessage
		_ = decoder.Decode(&value) // the whole has been found to be valid
		key, _ := token.(string)
		if _, twice := o.left[key]; twice {
			o.sayOf(shown(key), "the key stands there twice")
		}
		o.left[key] = value
	}
	return true
}

func (o *object) say(path, what string) { *o.wrong = append(*o.wrong, path+": "+what) }

// sayOf says what is wrong with a key.
func (o *object) sayOf(key, what string) { o.say(o.path+key, what) }

// has reports whether a key is there, and has not been read.
func (o *object) has(key string) bool {
	_, there := o.left[key]
	return there
}

// read decodes a key's value, if it is there.
func (o *object) read(key string, into any, wanted string) bool {
	o.keys = append(o.keys, key)
	text, there := o.left[key]
	delete(o.left, key)
	if !there {
		return false
	}
	if string(text) == "null" || json.Unmarshal(text, into) != nil {
		o.sayOf(key, cut(string(text))+" is not "+wanted)
		return false
	}
	return true
}

func (o *object) text(key string) (text string) {
	o.read(key, &text, "a text")
	return text
}

func (o *object) flag(key string) (set bool) {
	o.read(key, &set, "true or false")
	return set
}

// duration reads a duration as the configuration writes it. What is not there leaves d as it is.
func (o *object) duration(key string, d *time.Duration, least, most time.Duration) {
	var text string
	const wanted = `a duration; write one such as "10s" or "1h30m"`
	if !o.read(key, &text, wanted) {
		return
	}
	got, err := time.ParseDuration(text)
	switch {
	case err != nil:
		o.sayOf(key, shown(text)+" is not "+wanted)
	case got < least:
		o.sayOf(key, fmt.Sprintf("%s is too short; write %v or more", shown(text), least))
	case got > most:
		o.sayOf(key, fmt.Sprintf("%s is too long; write %v or less", shown(text), most))
	default:
		*d = got
	}
}

// whole reads a whole number. What is not there leaves n as it is.
func (o *object) whole(key string, n *int, least, most int) {
	var got int
	switch {
	case !o.read(key, &got, "a whole number"):
	case got < least || got > most:
		o.sayOf(key, fmt.Sprintf("%d is out of range; write %d to %d", got, least, most))
	default:
		*n = got
	}
}

// object reads an object within this one. Where it is not there it has no keys.
func (o *object) object(key string) *object {
	within := &object{path: o.path + key + ".", wrong: o.wrong}
	var text json.RawMessage
	if o.read(key, &text, "an object") {
		within.fill(text)
	}
	return within
}

// end ends the reading of the object: what has not been read is no key.
func (o *object) end() {
	for _, key := range slices.Sorted(maps.Keys(o.left)) {
		o.sayOf(shown(key), "there is no such key; there are "+strings.Join(o.keys, ", "))
	}
}

// problems is all that is wrong, nil where nothing is.
func (o *object) problems() error {
	o.end()
	wrong := *o.wrong
	if len(wrong) == 0 {
		return nil
	}
	if more := len(wrong) - mostProblems; more > 0 {
		wrong = append(wrong[:mostProblems:mostProblems], fmt.Sprintf("and %d more", more))
	}
	return &refusal{http.StatusBadRequest, "", strings.Join(wrong, "; ")}
}

// shown is what a request said, fit for a message.
func shown(text string) string { return strconv.Quote(cut(text)) }

// cut is the beginning of what is too long for a message.
func cut(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}
