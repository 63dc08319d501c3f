package unitprobe

import (
	"fmt"
	"slices"
	"strings"
)

// unitTypes are the suffixes of systemd.unit(5).
var unitTypes = []string{
	"service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope",
}

const (
	maxName        = 255 // bytes, suffix included: systemd.unit(5)
	nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"
)

// Name is the full name of the unit that s means: as with systemctl, what has no suffix of a unit is a service. The
// rules are those of systemd.unit(5). A template without an instance is refused, since it has no state of its own.
func Name(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("the unit has no name")
	}
	for _, r := range s {
		if !strings.ContainsRune(nameCharacters, r) {
			return "", fmt.Errorf("unit %q: %q cannot be part of a unit's name", s, r)
		}
	}
	name := s
	if dot := strings.LastIndexByte(s, '.'); dot < 0 || !slices.Contains(unitTypes, s[dot+1:]) {
		name += ".service"
	}
	if len(name) > maxName {
		return "", fmt.Errorf("unit %q: longer than %d characters", s, maxName)
	}
	stem := name[:strings.LastIndexByte(name, '.')]
	switch at := strings.IndexByte(stem, '@'); {
	case stem == "":
		return "", fmt.Errorf("unit %q: there is nothing before the suffix", s)
	case at == 0:
		return "", fmt.Errorf("unit %q: there is nothing before the @", s)
	case at == len(stem)-1:
		return "", fmt.Errorf("unit %q: a template has no state; name an instance of it", s)
	}
	return name, nil
}
