package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"kenshin/fault"
)

// Load reads the key file. It never makes one: where data exists, a fresh key would lock all its secrets for good.
func Load(path string) (*Box, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault.Error{Kind: fault.Unavailable, Err: err,
			Ja: "鍵ファイル " + path + " がありません。バックアップから戻すか、--key-file で場所を指定してください。鍵がないと、保存した秘密(SNMPや二要素)は開けません。",
			En: "The key file " + path + " is missing. Restore it from the backup or name its place with --key-file; stored secrets cannot be opened without it."}
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fault.Newf(fault.Denied,
			"鍵ファイル %s をほかの利用者が読めます。chmod 600 %[1]s で直してから起動してください。",
			"Other users can read the key file %s. Run chmod 600 %[1]s and start again.", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, keySize*maxKeys+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	if len(data) == 0 || len(data)%keySize != 0 || len(data) > keySize*maxKeys {
		return nil, fault.Newf(fault.Invalid,
			"鍵ファイル %s の中身が鍵ではありません(%d バイト)。正しいファイルを --key-file で指定してください。",
			"The key file %s does not hold a key (%d bytes). Name the right file with --key-file.", path, len(data))
	}
	var keys [][]byte
	for i := 0; i < len(data); i += keySize {
		keys = append(keys, data[i:i+keySize])
	}
	return newBox(keys)
}

// LoadOrCreate is Load that makes the file (mode 0600) when there is none: for a data folder that holds nothing yet. When several
// processes start at once, one key wins and all of them use it.
func LoadOrCreate(path string) (*Box, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path, randomKey()); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, unwritable(path, err)
		}
	}
	return Load(path)
}

// Rotate puts a fresh key before the ones in the file and returns the box that seals with it; what the old keys sealed still opens.
func Rotate(path string) (*Box, error) {
	b, err := Load(path)
	if err != nil {
		return nil, err
	}
	return replace(path, append([][]byte{randomKey()}, b.keys...))
}

// Retire drops all keys but the current one, after everything was sealed again (Stale).
func Retire(path string) (*Box, error) {
	b, err := Load(path)
	if err != nil {
		return nil, err
	}
	return replace(path, b.keys[:1])
}

func replace(path string, keys [][]byte) (*Box, error) {
	if len(keys) > maxKeys {
		return nil, fault.Newf(fault.TooLarge, "鍵ファイルに古い鍵が%d個あります。封じ直しを済ませ、古い鍵を外してください。",
			"The key file holds %d old keys. Seal everything again and drop the old keys.", len(keys)-1)
	}
	var all []byte
	for _, k := range keys {
		all = append(all, k...)
	}
	tmp, err := writeTemp(path, all)
	if err != nil {
		return nil, unwritable(path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return nil, unwritable(path, errors.Join(err, os.Remove(tmp)))
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, unwritable(path, err)
	}
	return newBox(keys)
}

// create links a finished file into place, so that nobody reads half a key and an existing one is never replaced.
func create(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) //nolint:errcheck // the link stays
	if err := os.Link(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeTemp(path string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // CreateTemp makes it 0600
	if err != nil {
		return "", err
	}
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func unreadable(path string, err error) error {
	return &fault.Error{Kind: fault.Unavailable, Err: fmt.Errorf("read the key file: %w", err),
		Ja: "鍵ファイル " + path + " を読めません。持ち主と権限を確かめてください。",
		En: "The key file " + path + " cannot be read. Check its owner and rights."}
}

func unwritable(path string, err error) error {
	return &fault.Error{Kind: fault.Unavailable, Err: fmt.Errorf("write the key file: %w", err),
		Ja: "鍵ファイル " + path + " を作れません。フォルダの権限とディスクの空きを確かめてください。",
		En: "The key file " + path + " cannot be written. Check the folder's rights and the disk's free space."}
}
