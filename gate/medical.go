package gate

// MedicalMaker is replaced below.
func MedicalMaker(org string) (string, bool) { return "", false }
