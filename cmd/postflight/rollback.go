package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// onFailure is what takes a failed deployment back. It runs in this process, as its user.
type onFailure struct {
	OnFailure string   `help:"Command that is run once if the verdict is failed, without a shell; what stands after -- are its arguments. The verdict stands on its standard input. Then the service is verified again; the exit code stays 1." placeholder:"COMMAND"`
	Arguments []string `arg:"" optional:"" passthrough:"partial" name:"argument" help:"Arguments of --on-failure, after --." sep:"none"`
}

// rollbackTimeout is how long the command may take, as in the configuration where nothing else is said.
const rollbackTimeout = 5 * time.Minute

// hook is what is to be run; nil: nothing. What cannot be run is found before it is needed.
func (o onFailure) hook(getenv func(string) string) (*hook.Hook, error) {
	arguments := o.Arguments
	if len(arguments) > 0 && arguments[0] != "--" {
		return nil, usageError{fmt.Errorf("unexpected argument %q", arguments[0])}
	}
	if len(arguments) > 0 {
		arguments = arguments[1:]
	}
	switch {
	case o.OnFailure == "" && len(arguments) > 0:
		return nil, usageError{errors.New("what stands after -- are the arguments of --on-failure COMMAND, which is missing")}
	case o.OnFailure == "":
		return nil, nil
	}
	if err := executable(o.OnFailure, getenv("PATH")); err != nil {
		return nil, usageError{fmt.Errorf("--on-failure %s: %w", o.OnFailure, err)}
	}
	return &hook.Hook{Command: append([]string{o.OnFailure}, arguments...), Timeout: rollbackTimeout, On: []string{verdict.CLI}}, nil
}

// executable says why a command is none.
func executable(name, path string) error {
	if strings.Contains(name, "/") {
		return runnable(name)
	}
	for _, directory := range filepath.SplitList(path) {
		if runnable(filepath.Join(directory, name)) == nil {
			return nil
		}
	}
	return errors.New("there is no such program in $PATH; write a path such as ./rollback.sh for one that is elsewhere")
}

func runnable(file string) error {
	info, err := os.Stat(file)
	var inPath *fs.PathError
	switch {
	case errors.As(err, &inPath):
		return inPath.Err
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	case info.Mode().Perm()&0o111 == 0:
		return errors.New("is not executable; try chmod +x")
	}
	return nil
}
