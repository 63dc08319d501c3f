package verdict

// Causes are all causes, in the order in which they are told.
func Causes() []Cause {
	var all []Cause
	for _, a := range advices {
		all = append(all, a.cause)
	}
	return all
}
