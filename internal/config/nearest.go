package config

import "strings"

// nearest gives the word that was probably meant, if one is near enough.
func nearest(word string, known []string) (string, bool) {
	folded := strings.ReplaceAll(strings.ToLower(word), "-", "_")
	best, found := min(2, len(word)/2), ""
	for _, candidate := range known {
		if d := distance(folded, strings.ReplaceAll(candidate, "-", "_")); d <= best && (found == "" || d < best) {
			best, found = d, candidate
		}
	}
	return found, found != ""
}

// distance counts the letters to add, leave out, change or swap with their neighbour to make b of a.
func distance(a, b string) int {
	if abs(len(a)-len(b)) > 2 {
		return 3 // far enough; and a key may be megabytes long
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }
