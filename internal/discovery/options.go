// Package discovery reads lists of targets, in the formats of Prometheus' file_sd and http_sd, from files and over HTTP.
package discovery

import "time"

// Files is a list of targets in files. The last part of a name may be a pattern, as path/filepath's Match has it.
type Files struct {
	Names           []string // absolute
	RefreshInterval time.Duration
	Scheme          string // http or https, of targets that are written host:port
}

// HTTP is a list of targets that is asked for over HTTP.
type HTTP struct {
	URL             string
	RefreshInterval time.Duration
	Scheme          string
}

// Target is one that a list names.
type Target struct {
	URL    string
	Labels []Label // sorted by name
}

// Label is what a list says of a target.
type Label struct{ Name, Value string }
