package httpprobe

import (
	"net/url"
	"testing"
)

func TestSameOrigin(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"another path", "http://a.example/x", "http://a.example/y?z", true},
		{"another spelling of the host", "http://a.example", "http://A.Example", true},
		{"the port that http has anyway", "http://a.example", "http://a.example:80", true},
		{"the port that https has anyway", "https://a.example", "https://a.example:443/", true},
		{"the other one's port", "http://a.example", "http://a.example:443", false},
		{"another scheme", "http://a.example", "https://a.example", false},
		{"another scheme on the same port", "http://a.example:8443", "https://a.example:8443", false},
		{"another port", "http://a.example:8000", "http://a.example:8001", false},
		{"a name below it", "http://a.example", "http://b.a.example", false},
		{"a name that begins like it", "http://a.example", "http://a.example.org", false},
		{"an address of version 6", "http://[::1]:8000", "http://[::1]:8000/x", true},
	}
	for _, tt := range tests {
		a, errA := url.Parse(tt.a)
		b, errB := url.Parse(tt.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if sameOrigin(a, b) != tt.want || sameOrigin(b, a) != tt.want {
			t.Errorf("%s: %s and %s, want %v", tt.name, tt.a, tt.b, tt.want)
		}
	}
}
