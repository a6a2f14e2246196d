package asset

// Style is the style sheet that works without any other file, for a page that must be one file.
func Style() string {
	b, err := source.ReadFile("app.css")
	if err != nil {
		return "" // embedded: it is there
	}
	return string(b)
}
