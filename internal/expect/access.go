package expect

import (
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
)

func field(operands ...any) (any, error) {
	value, found, err := fetch(operands[0], operands[1], operands[2].(string))
	if err == nil && !found {
		return nil, absent(operands[1], operands[2].(string))
	}
	return value, err
}

// ask is access to a field that may be absent: then it is null.
func ask(operands ...any) (any, error) {
	value, _, err := fetch(operands[0], operands[1], operands[2].(string))
	return value, err
}

// askOptional is a list of one, the field of an object that may be null itself: then there is no list.
func askOptional(operands ...any) (any, error) {
	if operands[0] == nil {
		return nil, nil
	}
	value, err := ask(operands...)
	return []any{value}, err
}

// fetch reads a field of an object, an element of a list, or a header. source is how the object was written.
func fetch(from, key any, source string) (value any, found bool, err error) {
	switch from := from.(type) {
	case map[string]any:
		if name, is := key.(string); is {
			value, found = from[name]
			return value, found, nil
		}
	case http.Header:
		if name, is := key.(string); is {
			values, found := from[http.CanonicalHeaderKey(name)]
			if !found {
				return nil, false, nil
			}
			return strings.Join(values, ", "), true, nil
		}
	case []any:
		if index, is := wholeNumber(key); is {
			index, found = within(index, len(from))
			if !found {
				return nil, false, nil
			}
			return from[index], true, nil
		}
	}
	if name, is := key.(string); is {
		return nil, false, wrong("%s is %s: it has no field %q", source, kindOf(from), Excerpt(name))
	}
	return nil, false, wrong("%s is %s: it has no element at %s", source, kindOf(from), shown(key))
}

func absent(key any, source string) error {
	if name, is := key.(string); is {
		return wrong("%s has no field %q", source, Excerpt(name))
	}
	return wrong("%s has no element at %s", source, shown(key))
}

// within is an index from the list's beginning; a negative one counts from its end.
func within(index, length int) (int, bool) {
	if index < 0 {
		index += length
	}
	return index, index >= 0 && index < length
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < exact
	}
	return 0, false
}

// in asks an object or the headers for a field, and a list for an element. An element of another kind is an error unless
// one is found.
func in(operands ...any) (any, error) {
	s, needle := operands[0].(*scope), operands[1]
	if items, is := asList(operands[2]); is {
		return s.inList(needle, items)
	}
	name, isText := needle.(string)
	switch from := operands[2].(type) {
	case map[string]any:
		if isText {
			_, found := from[name]
			return found, nil
		}
	case http.Header:
		if isText {
			_, found := from[http.CanonicalHeaderKey(name)]
			return found, nil
		}
	}
	return false, wrong("looking for %s in %s", kindOf(needle), kindOf(operands[2]))
}

func (s *scope) inList(needle any, items []any) (any, error) {
	var unlike error
	for _, item := range items {
		if err := s.spend(elementSteps); err != nil {
			return false, err
		}
		same, err := s.equal(item, needle)
		if same {
			return true, nil
		}
		if err != nil && unlike == nil {
			unlike = err
		}
	}
	return false, unlike
}

// keys are in order, and so are values: expr's own come differently each time.
func keys(operands ...any) (any, error) {
	object := operands[0].(map[string]any)
	names := make([]any, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		names = append(names, name)
	}
	return names, nil
}

func values(operands ...any) (any, error) {
	object := operands[0].(map[string]any)
	found := make([]any, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		found = append(found, object[name])
	}
	return found, nil
}
