package discovery

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxSize of a list, in bytes. Ten thousand targets with labels of their own take a third of it.
const maxSize = 4 << 20

var (
	errTooLarge   = errors.New("larger than 4 MiB; divide the list into several")
	errNotText    = errors.New("not UTF-8; is it a list of targets, saved as UTF-8?")
	errEmpty      = errors.New("empty; was it cut short? A list of no targets is written []")
	errNotList    = errors.New(`not a list; write it such as [{"targets": ["127.0.0.1:8000"]}]`)
	errNotEntry   = errors.New(`not an entry; write it such as {"targets": ["127.0.0.1:8000"], "labels": {"env": "prod"}}`)
	errNotTargets = errors.New(`not a list; write it such as ["127.0.0.1:8000"]`)
	errNotTarget  = errors.New(`not a target; write it such as "127.0.0.1:8000"`)
	errNotLabels  = errors.New(`no labels; write them such as {"env": "prod"}`)
	errNotValue   = errors.New("not text; put it in quotes")
)

func errUnknown(key string) error {
	return fmt.Errorf("unknown key %s; an entry has targets and labels", Quote(key))
}

func errTwice(key string) error {
	return fmt.Errorf("%s stands here twice; leave one out", Quote(key))
}

// parser reads one of the two formats.
type parser func(content []byte, list *targetList) error

// targetsOf gives the targets of a list's content, each as often as it is written. Anything wrong makes the whole list
// unreadable: to leave out what is wrong would be to leave a target unwatched.
func targetsOf(content []byte, parse parser, scheme string) ([]Target, error) {
	switch {
	case len(content) > maxSize:
		return nil, errTooLarge
	case !utf8.Valid(content):
		return nil, errNotText
	case len(bytes.TrimSpace(content)) == 0:
		return nil, errEmpty
	}
	list := &targetList{scheme: scheme}
	if err := parse(content, list); err != nil {
		return nil, err
	}
	return list.targets, nil
}

// targetList gathers the targets of one list while it is parsed.
type targetList struct {
	scheme  string
	targets []Target
	entries int
}

// begin is called before an entry is read, so that no more is read than may be kept.
func (l *targetList) begin() error {
	if l.entries == maxTargets {
		return errTooManyEntries
	}
	l.entries++
	return nil
}

// path of a place within the entry that was begun last.
func (l *targetList) path(place string) string { return fmt.Sprintf("[%d]%s", l.entries-1, place) }

func targetPlace(index int) string { return fmt.Sprintf(".targets[%d]", index) }

func labelPlace(name string) string { return ".labels." + Quote(name) }

// end takes the targets of an entry that has been read.
func (l *targetList) end(e entry) error {
	slices.SortFunc(e.labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	for i, target := range e.targets {
		if len(l.targets) == maxTargets {
			return &fault{target.line, l.path(targetPlace(i)), errTooManyTargets}
		}
		url, err := ReadTarget(l.withScheme(e, target.text))
		if err != nil {
			return &fault{target.line, l.path(targetPlace(i)), err}
		}
		l.targets = append(l.targets, Target{URL: url, Labels: e.labels})
	}
	return nil
}

func (l *targetList) withScheme(e entry, target string) string {
	if strings.Contains(target, "://") {
		return target
	}
	return cmp.Or(e.scheme, l.scheme) + "://" + target
}
