package state

import "postflight/probe"

// chronicle is what the journal tells of a gap. It counts what is certain even where the oldest entries are missing: then
// what has no entry need not have been.
type chronicle struct {
	Counted  tally    `json:"counted,omitzero"`
	MainExit MainExit `json:"main_exit,omitzero"`

	// Of the last entry's time:
	BootID    string  `json:"boot,omitempty"`
	Run       string  `json:"run,omitempty"`     // invocation
	Trigger   Trigger `json:"trigger,omitempty"` // of Run; empty: not known
	Ended     bool    `json:"ended,omitempty"`   // Run has ended, and that is counted
	Scheduled bool    `json:"scheduled,omitempty"`
	Unbroken  bool    `json:"unbroken,omitempty"` // nothing that came before, and after the reading, can be missing
	Rebooted  bool    `json:"rebooted,omitempty"` // and no entry of a start since can be missing
	Holes     bool    `json:"holes,omitempty"`    // somewhere entries may be missing

	// FirstRun is the first of the present boot, where that began in the gap. Only the reading after the gap tells whether
	// it was the machine's start that started it; if another run came after it, that is taken to be so.
	FirstRun string `json:"first_run,omitempty"`
}

// read takes up the next entry. One of no kind stands for any that may be missing.
func (c *chronicle) read(e probe.UnitEvent) {
	if e.Kind == "" {
		c.miss()
		return
	}
	if !sameBoot(e.BootID, c.BootID) {
		c.reboot()
	}
	if e.BootID != "" {
		c.BootID = e.BootID
	}
	if e.InvocationID != "" && e.InvocationID != c.Run {
		c.start(e.InvocationID)
	} else {
		c.Scheduled = false // it met the start limit
	}
	switch e.Kind {
	case probe.RestartScheduled:
		c.Counted.Restarts++
		c.Scheduled = true
	case probe.UnitFailed:
		c.end(e.Result)
	case probe.UnitSucceeded:
		c.end("success")
	case probe.ProcessExited:
		c.MainExit = MainExit{Kind: e.ExitCode, Status: e.ExitStatus, At: e.Time}
	}
	c.Unbroken = true
}

// miss takes up that entries may be missing here.
func (c *chronicle) miss() { c.Unbroken, c.Holes = false, true }

func (c *chronicle) start(run string) {
	c.Trigger = NotStarted
	switch {
	case c.Scheduled:
		c.Trigger = Automatic
	case c.Rebooted:
		c.Trigger, c.FirstRun = Boot, run
	case c.Unbroken:
		c.Trigger = Manual
	}
	if c.Trigger != Boot { // that is counted once it is certain
		c.Counted.Starts.count(c.Trigger)
	}
	c.Run, c.Ended, c.Scheduled, c.Rebooted = run, false, false, false
}

// end counts how the run ended, once. Of one that had a failure systemd writes again when it gives up.
func (c *chronicle) end(result string) {
	if !c.Ended && c.Run != "" {
		c.Counted.countExit(result)
	}
	c.Ended = true
}

func (c *chronicle) reboot() {
	if c.FirstRun != "" {
		c.Counted.Starts.Boot++
	}
	c.Run, c.FirstRun, c.Trigger, c.Ended = "", "", NotStarted, true
	c.Scheduled, c.Rebooted = false, c.Unbroken
}

// tally is what is counted, given the reading that ended the gap, if one has.
func (c *chronicle) tally(to sight) tally {
	counted := c.Counted
	if c.FirstRun != "" && !to.isZero() {
		counted.Starts.count(firstTrigger(c.FirstRun, to))
	}
	return counted
}

// trigger is what caused the start of the run that the reading shows; empty where the journal does not tell.
func (c *chronicle) trigger(shown sight) Trigger {
	switch {
	case c.Run == "" || c.Run != shown.InvocationID:
		return NotStarted
	case c.Run == c.FirstRun:
		return firstTrigger(c.Run, shown)
	default:
		return c.Trigger
	}
}

// decide counts the first start of the boot, of which the reading tells what caused it.
func (c *chronicle) decide(shown sight) {
	if c.FirstRun == "" {
		return
	}
	by := firstTrigger(c.FirstRun, shown)
	c.Counted.Starts.count(by)
	if c.Run == c.FirstRun {
		c.Trigger = by
	}
	c.FirstRun = ""
}

// firstTrigger is what caused the first start in a boot.
func firstTrigger(run string, to sight) Trigger {
	if run == to.InvocationID && !to.AtBoot {
		return Manual
	}
	return Boot
}
