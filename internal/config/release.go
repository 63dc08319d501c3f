package config

import "postflight/internal/expect"

// release reads where the name of the running release is found. checks are those of the service, as they were read and as
// they were made.
func (b *builder) release(v *value, read *value, checks []Check) *Release {
	switch b.either(v, "it is not said where the release is found", "file", "check") {
	case "file":
		b.refuse(v, "a file holds the name and nothing else", "from")
		return &Release{File: b.absolute(get(v, "file", ""))}
	case "check":
		release := &Release{Check: get(v, "check", ""), From: get[*expect.Expression](v, "from", nil)}
		if v.field("from") == nil {
			b.say(v.place, "it is not said where in the answer the release is; write from: and an expression such as body.version")
		}
		if release.Check != "" {
			b.tellsRelease(v.field("check"), release, read, checks)
		}
		return release
	}
	return nil
}

// tellsRelease gives the check what to look for.
func (b *builder) tellsRelease(v *value, release *Release, read *value, checks []Check) {
	for i := range checks {
		switch check := &checks[i]; {
		case check.Name != release.Check:
		case check.Tokens != nil:
			b.say(v.place, "%s asks with forged tokens, and its answers tell no release; name another check", quote(release.Check))
			return
		default:
			check.Request.Expect.Release = release.From
			return
		}
	}
	if read != nil && (read.wrong || len(checks) < len(read.items)) { // one that is wrong may be the one
		return
	}
	var names []string
	for _, check := range checks {
		names = append(names, check.Name)
	}
	b.say(v.place, "the service has no check %s; %s", quote(release.Check), oneOf(release.Check, names, "write checks: into the service, or file: here"))
}
