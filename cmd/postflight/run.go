package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"postflight/internal/expect"
)

// Exit codes of the commands.
const (
	exitPassed       = 0
	exitFailed       = 1
	exitUsage        = 2
	exitInconclusive = 3
)

// commands is the whole command line.
type commands struct {
	Serve   serveCommand   `cmd:"" set:"log_level=info" help:"Run the daemon: probe on schedule, watch units, serve metrics and the status page."`
	Verify  verifyCommand  `cmd:"" set:"log_level=error" help:"Verify one deployment now and exit with the verdict: 0 passed, 1 failed, 2 usage or configuration, 3 inconclusive."`
	Check   checkCommand   `cmd:"" set:"log_level=error" help:"Run every check once and print what came. Exit codes as verify."`
	Config  configCommand  `cmd:"" help:"Validate or show the configuration."`
	Demo    demoCommand    `cmd:"" set:"log_level=error" help:"Everything against an embedded backend, with a way to break it."`
	Version versionCommand `cmd:"" help:"Print version, revision and Go version."`

	DemoBackend  demoBackendCommand  `cmd:"" hidden:""`
	DemoRollback demoRollbackCommand `cmd:"" hidden:""`
}

// invocation is what a command gets from the process that it runs in. Nothing else touches the process.
type invocation struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// exitCode ends a command that has said all there is to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is wrong use: arguments or configuration.
type usageError struct{ error }

// untoldError is a result that could not be told. For a script it is no verdict at all.
type untoldError struct{ error }

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	var cli commands
	helped := false
	parser, err := kong.New(&cli,
		kong.Name("postflight"),
		kong.Description("postflight verifies, after each deploy and on a schedule, that a backend really works."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }), // kong ends the process after --help; we return
		kong.Bind(&invocation{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "postflight: %v\n", err)
		return exitFailed
	}
	kctx, err := parser.Parse(args)
	switch {
	case helped:
		return exitPassed
	case err != nil:
		fmt.Fprintf(stderr, "postflight: %s\nTry `postflight --help`.\n", expect.Mask(err.Error()))
		return exitUsage
	}
	return codeOf(kctx.Run(), stderr)
}

// codeOf says what went wrong, once, and chooses the exit code. What stands in the wrong place may be a secret.
func codeOf(err error, stderr io.Writer) int {
	var code exitCode
	var usage usageError
	var untold untoldError
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, expect.Mask(err.Error()))
		return exitUsage
	}
	fmt.Fprintf(stderr, "postflight: %s\n", expect.Mask(err.Error()))
	if errors.As(err, &untold) {
		return exitInconclusive
	}
	return exitFailed
}
