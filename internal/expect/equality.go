package expect

import "math"

func equality(wanted bool) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		same, err := operands[0].(*scope).equal(operands[1], operands[2])
		return same == wanted, err
	}
}

// equal compares values of one kind.
func (s *scope) equal(a, b any) (bool, error) {
	if x, is := asFloat(a); is {
		if y, is := asFloat(b); is {
			return equalNumbers(x, y)
		}
		return false, unlike(a, b)
	}
	switch x := a.(type) {
	case nil:
		if b == nil {
			return true, nil
		}
	case bool:
		if y, is := b.(bool); is {
			return x == y, nil
		}
	case string:
		if y, is := b.(string); is {
			return x == y, nil
		}
	case []any, []int:
		if y, is := asList(b); is {
			x, _ := asList(x)
			return s.equalLists(x, y)
		}
	case map[string]any:
		if y, is := b.(map[string]any); is {
			return s.equalObjects(x, y)
		}
	}
	return false, unlike(a, b)
}

// equalNumbers cannot say whether two are the same whose last digits are lost.
func equalNumbers(x, y float64) (bool, error) {
	if x == y && math.Abs(x) >= exact {
		return false, wrong("numbers of 2^53 and more have lost digits: whether they are equal cannot be said")
	}
	return x == y, nil
}

func unlike(a, b any) error { return wrong("comparing %s with %s", kindOf(a), kindOf(b)) }

func (s *scope) equalLists(a, b []any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if err := s.spend(elementSteps); err != nil {
			return false, err
		}
		if same, err := s.equal(a[i], b[i]); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *scope) equalObjects(a, b map[string]any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	if err := s.spend(elementSteps * int64(len(a))); err != nil {
		return false, err
	}
	for name := range a {
		if _, found := b[name]; !found {
			return false, nil
		}
	}
	all := true
	for name, x := range a { // each of them: an error is one whatever the order
		same, err := s.equal(x, b[name])
		if err != nil {
			return false, err
		}
		all = all && same
	}
	return all, nil
}
