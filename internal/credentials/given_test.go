package credentials_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/credentials"
	"postflight/probe/httpprobe"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestGivenCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	withFile := func(o credentials.Basic) *credentials.Basic {
		o.Username, o.PasswordFile = "ops", file
		return &o
	}
	tests := []struct {
		name    string
		options credentials.Options
		file    string
		want    httpprobe.Grant
		err     string
	}{
		{"a token", credentials.Options{Token: "tok3n"}, "", httpprobe.Grant{Authorization: "Bearer tok3n", Secret: "tok3n"}, ""},
		{"a token in a file", credentials.Options{TokenFile: file}, " tok3n\n", httpprobe.Grant{Authorization: "Bearer tok3n", Secret: "tok3n"}, ""},
		{"an empty token file", credentials.Options{TokenFile: file}, "\n", httpprobe.Grant{}, "reading token file " + file + ": it is empty"},
		{"a password", credentials.Options{Basic: &credentials.Basic{Username: "ops", Password: "p:w"}}, "", httpprobe.Grant{Authorization: basic("ops:p:w"), Secret: "p:w"}, ""},
		{"a password in a file", credentials.Options{Basic: withFile(credentials.Basic{})}, "pw\n", httpprobe.Grant{Authorization: basic("ops:pw"), Secret: "pw"}, ""},
		{"with the line's end of another system", credentials.Options{Basic: withFile(credentials.Basic{})}, "pw\r\n", httpprobe.Grant{Authorization: basic("ops:pw"), Secret: "pw"}, ""},
		{"with white space", credentials.Options{Basic: withFile(credentials.Basic{})}, " p w \n", httpprobe.Grant{Authorization: basic("ops: p w "), Secret: " p w "}, ""},
		{"in another script", credentials.Options{Basic: withFile(credentials.Basic{})}, "密码", httpprobe.Grant{Authorization: basic("ops:密码"), Secret: "密码"}, ""},
		{"an empty password file", credentials.Options{Basic: withFile(credentials.Basic{})}, "\n", httpprobe.Grant{}, "reading password file " + file + ": it is empty"},
		{"two lines", credentials.Options{Basic: withFile(credentials.Basic{})}, "pw\npw\n", httpprobe.Grant{}, "reading password file " + file + ": it holds more than one line, or not text"},
		{"binary", credentials.Options{Basic: withFile(credentials.Basic{})}, "pw\xff", httpprobe.Grant{}, "reading password file " + file + ": it holds more than one line, or not text"},
		{"very large", credentials.Options{Basic: withFile(credentials.Basic{})}, strings.Repeat("x", 20<<10), httpprobe.Grant{}, "reading password file " + file + ": it is too large for a password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			c := credentials.New("admin", tt.options, world{}).For(targetA)
			grant, err := c.Grant(t.Context())
			if diff := cmp.Diff(tt.want, grant); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.err {
				t.Errorf("error %q, want %q", got, tt.err)
			}
			if _, more := c.Refused(t.Context(), grant); more {
				t.Error("there is something else to try")
			}
		})
	}
}

func TestPasswordFileIsReadEachTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	c := credentials.New("admin", credentials.Options{Basic: &credentials.Basic{Username: "ops", PasswordFile: file}}, world{}).For(targetA)
	for _, password := range []string{"the first", "the second"} {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		if grant, err := c.Grant(t.Context()); grant.Secret != password {
			t.Errorf("%q, %v; want %q", grant.Secret, err, password)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	want := "reading password file " + file + ": no such file or directory"
	if _, err := c.Grant(t.Context()); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A password that stands where its file's name belongs is not repeated.
func TestPasswordInPlaceOfItsFile(t *testing.T) {
	c := credentials.New("admin", credentials.Options{Basic: &credentials.Basic{Username: "ops", PasswordFile: "/hunter2hunter2"}}, world{}).For(targetA)
	want := "reading password file: no such file or directory (what was given is not shown: it may be the password)"
	if _, err := c.Grant(t.Context()); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
