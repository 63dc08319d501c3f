package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"postflight/probe"
)

// mostReadings is how many numbers of one check are printed.
const mostReadings = 20

// printReadings prints what the check's own metrics were read as, and which were not.
func printReadings(to io.Writer, r probe.Result) {
	own := slices.DeleteFunc(slices.Clone(r.Values), func(v probe.Value) bool { return v.Own == nil })
	for _, v := range own[:min(len(own), mostReadings)] {
		fmt.Fprintf(to, "      read    %s\n", oneLine(reading(v)))
	}
	if more := len(own) - mostReadings; more > 0 {
		fmt.Fprintf(to, "              … and %d more\n", more)
	}
	for _, m := range r.Unread {
		why := "the answer does not yield it"
		if slices.ContainsFunc(own, func(v probe.Value) bool { return v.Own == m }) {
			why = "the answer does not yield all of it"
		}
		fmt.Fprintf(to, "      unread  %s: %s\n", ownName(m), why)
	}
}

// reading is a number as Prometheus writes it, of a metric as the configuration calls it.
func reading(v probe.Value) string {
	name := ownName(v.Own)
	if v.Own.Label != "" {
		name += fmt.Sprintf("{%s=%q}", v.Own.Label, v.Label)
	}
	return name + " " + strconv.FormatFloat(v.Number, 'g', -1, 64)
}

func ownName(m *probe.Metric) string { return strings.TrimPrefix(m.Name, "value_") }
