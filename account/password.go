package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"kenshin/fault"
)

// Cost is the work of one password check: argon2id (RFC 9106).
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost is 46 MiB and two passes: above the least that OWASP's password storage sheet gives for argon2id, and well under a second on
// a small box.
func DefaultCost() Cost { return Cost{Memory: 46 << 10, Passes: 2, Threads: 1} }

const (
	// MinPassword is the guideline's length from which no periodic change is needed (安全管理ガイドライン, 13 characters).
	MinPassword = 13
	maxPassword = 128       // characters; longer input only costs time
	leastRest   = 8         // characters that must be left when names and common words are taken out
	maxCost     = 256 << 10 // KiB
)

// hashPassword writes a PHC string: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func hashPassword(c Cost, password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	return phc(c, salt, argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.Passes, c.Memory, c.Threads, 32))
}

// decoyHash looks like the hash of a password and is none: verifying against it costs what any password costs, and making it costs nothing.
func decoyHash(c Cost) string {
	noise := make([]byte, 16+32)
	_, _ = rand.Read(noise)
	return phc(c, noise[:16], noise[16:])
}

func phc(c Cost, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// verifyPassword reports whether the password fits, and with which cost it was hashed.
func verifyPassword(phc, password string) (bool, Cost) {
	var version int
	var c Cost
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, c
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, c
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil {
		return false, c
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || c.Memory > maxCost || c.Passes < 1 || c.Passes > 64 || c.Threads < 1 || len(want) != 32 || len(salt) < 8 {
		return false, c
	}
	key := argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.Passes, c.Memory, c.Threads, 32)
	return subtle.ConstantTimeCompare(key, want) == 1, c
}

// hashed runs fn when one of the few hashing places is free.
func (s *Service) hashed(ctx context.Context, fn func()) error {
	select {
	case s.hashing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.hashing }()
	fn()
	return nil
}

//go:embed common.txt
var commonWords string

// keyboard rows, read in both directions; a run of four or more of one of them counts for nothing.
var runs = []string{"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop@[", "asdfghjkl;:]", "zxcvbnm,./", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"qazwsxedcrfvtgbyhnujmikolp", "!\"#$%&'()", "!@#$%^&*()"}

// CheckPassword says whether a password may be chosen: least characters (at least MinPassword), not built from the words given (e-mail,
// name, facility) nor from common passwords and keyboard runs. The sentence says what to do.
func CheckPassword(password string, least int, words ...string) error {
	p := norm.NFKC.String(password)
	n := len([]rune(p))
	least = max(least, MinPassword)
	switch {
	case n < least:
		return fault.Newf(fault.Invalid, "パスワードは%d文字以上にしてください(今は%d文字)。関係のない言葉を4つほどつなげると、長くて覚えやすくなります。",
			"The password needs %d characters or more (this one has %d). Four unrelated words make a long one that is easy to remember.", least, n)
	case n > maxPassword:
		return fault.Newf(fault.TooLarge, "パスワードは%d文字までです。", "The password has at most %d characters.", maxPassword)
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }):
		return fault.New(fault.Invalid, "パスワードに使えない文字が入っています。", "The password contains a character that cannot be used.")
	}
	low := FoldEmail(p)
	if left(low, personal(words)) < leastRest {
		return fault.New(fault.Invalid, "名前、メールアドレス、施設名をもとにしたパスワードは推測されます。関係のない言葉を4つほどつなげてください。",
			"A password made from your name, e-mail address or facility is easily guessed. Use about four unrelated words.")
	}
	common := strings.Fields(commonWords)
	if min(left(low, common), left(unleet(low), common)) < leastRest {
		return fault.New(fault.Invalid, "よく使われるパスワードや、キーボードの並び、同じ文字のくり返しがもとになっています。関係のない言葉を4つほどつなげてください。",
			"This is built from a common password, a keyboard run or one repeated character. Use about four unrelated words.")
	}
	return nil
}

// personal splits what is known of a person into words that a guesser would try.
func personal(in []string) []string {
	var out []string
	for _, w := range in {
		w = FoldEmail(w)
		parts := strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(" .@_-+　・()", r) })
		for _, p := range append(parts, w, strings.Join(parts, "")) {
			if len([]rune(p)) >= 3 || (len(p) >= 6 && len([]rune(p)) >= 2) { // two kanji are a name
				out = append(out, p)
			}
		}
	}
	return out
}

// left counts the characters that remain when words, runs and repetitions are taken out.
func left(p string, words []string) int {
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	for _, w := range words {
		p = strings.ReplaceAll(p, w, "\x00")
	}
	n := 0
	for part := range strings.SplitSeq(p, "\x00") {
		n += withoutRuns([]rune(part))
	}
	return n
}

// withoutRuns counts characters, but a stretch of four or more that repeats one character or follows a keyboard row counts as one.
func withoutRuns(r []rune) int {
	n := 0
	for i := 0; i < len(r); {
		j := i + 1
		for j < len(r) && isRun(r[i:j+1]) {
			j++
		}
		if j-i < 4 {
			j = i + 1
		}
		n++
		i = j
	}
	return n
}

func isRun(r []rune) bool {
	same := true
	for _, c := range r {
		same = same && c == r[0]
	}
	if same {
		return true
	}
	forward := string(r)
	back := slices.Clone(r)
	slices.Reverse(back)
	return slices.ContainsFunc(runs, func(row string) bool { return strings.Contains(row, forward) || strings.Contains(row, string(back)) })
}

// unleet undoes the usual replacements, as guessers do.
func unleet(s string) string {
	return strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t").Replace(s)
}
