package expect

import (
	"math"
	"strconv"
	"strings"
	"time"

	"postflight/probe"
)

// ProcessOf gives the worker process that had run for so many seconds when it answered, by the time at which it
// started, or false where no process can have run for so long. It read its clock between our sending and its first
// byte. What it printed is rounded, or cut off, by up to one unit of the last digit: that widens the window to both
// sides. The last digit is never taken to be worth more than 0.1 s. A printed 12.0 arrives as 12, and a window of a
// whole second would make one of two workers.
func ProcessOf(a Answer, runtime float64) (probe.Process, bool) {
	const century = 100 * 365 * 24 * 3600 // seconds; beyond it a Duration overflows in the end
	if !(runtime >= 0 && runtime <= century) {
		return probe.Process{}, false
	}
	ran := time.Duration(runtime * float64(time.Second))
	digit := lastDigit(runtime)
	return probe.Process{
		Earliest: a.Sent.Add(-ran - digit),
		Latest:   a.Answered.Add(-ran + digit),
	}, true
}

// lastDigit is what one unit of the last printed digit of so many seconds is worth.
func lastDigit(seconds float64) time.Duration {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(seconds, 'f', -1, 64), ".")
	digits := max(1, min(len(fraction), 9))
	return time.Duration(math.Pow10(9 - digits))
}
