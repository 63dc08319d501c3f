package config

import (
	"fmt"

	"postflight/internal/logpattern"
)

// logs gives the patterns that the logs of a service's units are read with.
func (b *builder) logs(v, units *value) (own []logpattern.Pattern, all *logpattern.Set) {
	if none(units) {
		return nil, nil
	}
	all, err := logpattern.Compile(logpattern.Builtin())
	if err != nil {
		panic(fmt.Sprintf("compiling the built-in patterns: %v", err))
	}
	return nil, all
}
