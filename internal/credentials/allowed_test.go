package credentials_test

import (
	"testing"

	"postflight/internal/credentials"
)

func TestAllows(t *testing.T) {
	tests := []struct {
		target, allowed string
		want            bool
	}{
		{"http://10.1.2.3:8000", "10.0.0.0/8", true},
		{"http://11.1.2.3:8000", "10.0.0.0/8", false},
		{"https://10.1.2.3/base", "10.1.2.3/32", true},
		{"http://[fd00::1]:8000", "fd00::/8", true},
		{"http://[fe80::1%25eth0]:8000", "fe80::/10", true},
		{"http://[2001:db8::1]", "fd00::/8", false},
		{"http://[::ffff:10.1.2.3]:8000", "10.0.0.0/8", true},
		{"http://10.1.2.3:8000", "::ffff:10.0.0.0/104", true},
		{"http://11.1.2.3:8000", "::ffff:10.0.0.0/104", false},
		{"http://10.1.2.3", "::/0", false},
		{"http://[::ffff:10.1.2.3]", "::/0", false},

		{"http://db.internal.example:8000", "internal.example", true},
		{"http://db.internal.example:8000", ".internal.example", true},
		{"http://internal.example", "internal.example", true},
		{"http://DB.Internal.EXAMPLE", "internal.example", true},
		{"http://db.internal.example", "INTERNAL.example.", true},
		{"http://db.internal.example.", "internal.example", true},
		{"http://evilinternal.example", "internal.example", false},
		{"http://internal.example.evil", "internal.example", false},
		{"http://internal.example@evil.example", "internal.example", false},
		{"http://evil.example/internal.example", "internal.example", false},
		{"http://evil.example?.internal.example", "internal.example", false},
		{`http://evil.example\.internal.example`, "internal.example", false},
		{"http://evil.example%2einternal.example", "internal.example", false},

		// a name is not resolved, and an address has no suffix
		{"http://localhost", "127.0.0.0/8", false},
		{"http://127.1", "127.0.0.0/8", false},
		{"http://2130706433", "127.0.0.0/8", false},
		{"http://10.0.0.1", "0.0.1", false},
		{"http://10.0.0.1", "10.0.0.1", false},

		{"http://a.example", "", false},
		{"http://a.example", ".", false},
		{"http://a.example.", ".", false},
		{"", "internal.example", false},
		{"http://", "internal.example", false},
		{"http://[::1", "::/0", false},
		{"http://10.0.0.1", "10.0.0.0/99", false},
	}
	for _, tt := range tests {
		o := credentials.Options{AllowedTargets: []string{"192.0.2.0/24", tt.allowed}}
		if got := o.Allows(tt.target); got != tt.want {
			t.Errorf("%q with %q: %v", tt.target, tt.allowed, got)
		}
	}
	if (credentials.Options{}).Allows("http://10.0.0.1") {
		t.Error("allowed without being named")
	}
}
