package demo

import (
	"bufio"
	"context"
	"io"
)

// Keys beside those of the faults.
const (
	keyMend   = 'm'
	keyGood   = 'g'
	keyBroken = 'b'
	keyQuit   = 'x'
	keyCtrlC  = 0x03 // as a terminal in raw mode sends it
	keyCtrlD  = 0x04
)

// obey does what a person presses until they quit.
//
// The goroutine that reads keys is left in its read when ctx ends first: a read from a terminal cannot be ended. It ends
// with the program.
func (s *stage) obey(ctx context.Context, keys io.Reader) {
	s.menu()
	pressed := make(chan byte)
	go func() {
		defer close(pressed)
		for in := bufio.NewReader(keys); ; {
			key, err := in.ReadByte()
			if err != nil {
				return
			}
			select {
			case pressed <- key:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case key, more := <-pressed:
			if !more || key == keyQuit || key == keyCtrlC || key == keyCtrlD {
				return
			}
			s.press(ctx, key)
		}
	}
}

func (s *stage) menu() {
	s.out.printf("Break it, and see what postflight says:\n\n")
	for _, fault := range Faults {
		s.out.printf("  %c  %s\n", fault.Key, fault.Title)
	}
	s.out.printf("  %c  mend it\n  %c  deploy a good release and verify it\n  %c  deploy a broken release, which is verified and taken back\n  %c  quit (or Ctrl-C)\n\n",
		keyMend, keyGood, keyBroken, keyQuit)
}

func (s *stage) press(ctx context.Context, key byte) {
	switch key {
	case keyMend:
		s.out.printf("-------- mended\n")
		s.complain(s.supervisor.Fault(ctx, Mended))
	case keyGood:
		s.deployAloud(ctx, Mended)
	case keyBroken:
		s.deployAloud(ctx, Crash)
	case '\r', '\n', ' ':
		s.menu()
	default:
		for _, fault := range Faults {
			if fault.Key == key {
				s.out.printf("-------- %s\n", fault.Title)
				s.complain(s.supervisor.Fault(ctx, fault.Name))
			}
		}
	}
}

func (s *stage) deployAloud(ctx context.Context, fault string) {
	what := "good"
	if fault != Mended {
		what = "broken"
	}
	s.out.printf("-------- deploying a %s release\n", what)
	_, err := s.deploy(ctx, fault)
	s.complain(err)
}

func (s *stage) complain(err error) {
	if err != nil {
		s.out.printf("%v\n", err)
	}
}
