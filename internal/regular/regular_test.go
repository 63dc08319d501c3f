package regular_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"postflight/internal/regular"
)

func TestRead(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	for _, err := range []error{
		os.WriteFile(at("empty"), nil, 0o600),
		os.WriteFile(at("fits"), []byte("12345678"), 0o600),
		os.WriteFile(at("large"), []byte("1234567890"), 0o600),
		os.Mkdir(at("folder"), 0o700),
		syscall.Mkfifo(at("pipe"), 0o600),
		os.Symlink("fits", at("link")),
		os.Symlink("pipe", at("link to a pipe")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name, want string
		err        error
	}{
		{at("empty"), "", nil},
		{at("fits"), "12345678", nil},
		{at("large"), "123456789", nil}, // one byte too much
		{at("link"), "12345678", nil},
		{at("folder"), "", regular.ErrOther},
		{at("pipe"), "", regular.ErrOther},
		{at("link to a pipe"), "", regular.ErrOther},
		{"/dev/zero", "", regular.ErrOther},
		{at("nothing"), "", fs.ErrNotExist},
		{at("fits/within"), "", syscall.ENOTDIR},
	} {
		got, err := regular.Read(tc.name, 8)
		if string(got) != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), tc.name) {
			t.Errorf("the error names the file: %v", err)
		}
	}
}
