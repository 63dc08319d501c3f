package config

import (
	"slices"
	"strings"
	"time"
)

// key is one key of the configuration. The table of keys drives the walk over a file, and makes the documentation and the schema.
type key struct {
	path      string // [] stands for any item of a list, <name> for any name
	kind      kind
	fallback  string // as it would be written; empty: there is none, or otherwise tells
	otherwise string // what holds where the key is left out, if that is not one value
	doc       string
	example   string // YAML
}

const day = 24 * time.Hour

// isRequired stands in the table where a key is never left out.
const isRequired = "required"

var keys = slices.Concat(fileKeys, serviceKeys, credentialKeys, checkKeys, logKeys, verificationKeys)

// table finds keys.
type table struct {
	below map[string][]key // by the path of the mapping that they stand in
}

func newTable() table {
	t := table{below: map[string][]key{}}
	for _, k := range keys {
		parent, _ := k.split()
		t.below[parent] = append(t.below[parent], k)
	}
	return t
}

// split tells the mapping in which the key stands, and the key's own name.
func (k key) split() (parent, name string) {
	dot := strings.LastIndexByte(k.path, '.')
	return k.path[:max(dot, 0)], k.path[dot+1:]
}

// find gives the key of that name in a mapping.
func (t table) find(parent, name string) (key, bool) {
	for _, k := range t.below[parent] {
		if _, own := k.split(); own == name {
			return k, true
		}
	}
	return key{}, false
}

// names lists the keys of a mapping.
func (t table) names(parent string) []string {
	var names []string
	for _, k := range t.below[parent] {
		_, name := k.split()
		names = append(names, name)
	}
	return names
}

// fallback reads what holds where a key is left out.
func fallback[T any](path string) T {
	for _, k := range keys {
		if k.path == path {
			got, err := k.kind.read(k.fallback)
			if err != nil {
				break
			}
			return got.(T)
		}
	}
	panic("no fallback for " + path)
}
