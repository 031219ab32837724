package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand"
	"os"
	"strconv"
	"time"

	"example.org/logah/predict/logahv1"
)

// safetensorsFile is a file under construction beside its final place, PATH.<random>.partial: commit puts it in its
// place, discard removes it.
type safetensorsFile struct {
	path       string
	file       *os.File
	tensors    []*tensorSum
	current    int    // the tensor that the next byte belongs to
	position   uint64 // bytes of data written
	totalBytes uint64
}

type tensorSum struct {
	name  string
	end   uint64 // position behind its last byte in the data
	crc32 uint32
}

// createSafetensors writes the header: the tensors of a checked plan, in its order, behind the metadata.
func createSafetensors(path string, plan *logahv1.Plan, seed uint64) (*safetensorsFile, error) {
	header, err := encodeHeader(plan, seed)
	if err != nil {
		return nil, err
	}
	suffix := rand.New(rand.NewSource(time.Now().UnixNano())).Uint32()
	partial := fmt.Sprintf("%s.%08x.partial", path, suffix)
	// Not os.CreateTemp: nobody else could read the file.
	file, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	f := &safetensorsFile{path: path, file: file, totalBytes: plan.GetTotalBytes()}
	for _, tensor := range plan.GetTensors() {
		// What has no elements has no bytes, and no digest.
		if tensor.GetSent() && tensor.GetBytes() > 0 {
			f.tensors = append(f.tensors, &tensorSum{name: tensor.GetName(), end: tensor.GetOffset() + tensor.GetBytes()})
		}
	}
	if _, err := file.Write(header); err != nil {
		f.discard()
		return nil, err
	}
	return f, nil
}

// append writes the next chunk.
func (f *safetensorsFile) append(chunk *logahv1.Chunk) error {
	if chunk.GetOffset() != f.position {
		return fmt.Errorf("a chunk begins at byte %d, expected %d", chunk.GetOffset(), f.position)
	}
	data := chunk.GetData()
	if left := f.totalBytes - f.position; len(data) == 0 || uint64(len(data)) > left {
		return fmt.Errorf("the chunk at byte %d has %d bytes, expected 1 to %d", f.position, len(data), left)
	}
	if _, err := f.file.Write(data); err != nil {
		return err
	}
	for len(data) > 0 {
		tensor := f.tensors[f.current]
		piece := data
		if left := tensor.end - f.position; uint64(len(data)) > left {
			piece = data[:left]
		}
		tensor.crc32 = crc32.Update(tensor.crc32, crc32.IEEETable, piece)
		f.position += uint64(len(piece))
		data = data[len(piece):]
		if f.position == tensor.end {
			f.current++
		}
	}
	return nil
}

// compare returns an error unless all that was written is what the summary says was sent. It has the digests of what was
// not whole at byte resumedAt.
func (f *safetensorsFile) compare(summary *logahv1.Summary, resumedAt uint64) error {
	if f.position != f.totalBytes || summary.GetTotalBytes() != f.totalBytes {
		return fmt.Errorf("the data ends at byte %d, expected %d", f.position, f.totalBytes)
	}
	tensors := f.tensors
	for len(tensors) > 0 && tensors[0].end <= resumedAt {
		tensors = tensors[1:]
	}
	if len(summary.GetDigests()) != len(tensors) {
		return fmt.Errorf("the summary has %d digests for %d tensors", len(summary.GetDigests()), len(tensors))
	}
	for i, digest := range summary.GetDigests() {
		tensor := tensors[i]
		if digest.GetName() != tensor.name {
			return fmt.Errorf("digest %d is of %q, expected %q", i, digest.GetName(), tensor.name)
		}
		if digest.GetCrc32() != tensor.crc32 {
			return fmt.Errorf("tensor %q came damaged: its CRC-32 is %08x, expected %08x",
				tensor.name, tensor.crc32, digest.GetCrc32())
		}
	}
	return nil
}

// commit puts the content on disk and the file in its place, over one that is there.
func (f *safetensorsFile) commit() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	if err := f.file.Close(); err != nil {
		return err
	}
	return os.Rename(f.file.Name(), f.path)
}

// discard removes what was written; after commit it does nothing.
func (f *safetensorsFile) discard() {
	f.file.Close()
	os.Remove(f.file.Name())
}

// encodeHeader gives 8 bytes of little-endian length, then JSON, padded with spaces to a multiple of 8: byte for byte
// what the other clients of this repository write. (A struct or a map would not keep the tensors in order.)
func encodeHeader(plan *logahv1.Plan, seed uint64) ([]byte, error) {
	var header bytes.Buffer
	header.Write(make([]byte, 8))
	encoder := json.NewEncoder(&trimmed{&header})
	encoder.SetEscapeHTML(false)
	header.WriteString(`{"__metadata__":`)
	if err := encoder.Encode(struct {
		Format      string `json:"format"`
		Model       string `json:"logah.model"`
		Fingerprint string `json:"logah.fingerprint"`
		Seed        string `json:"logah.seed"`
	}{"pt", plan.GetModel(), plan.GetFingerprint(), strconv.FormatUint(seed, 10)}); err != nil {
		return nil, err
	}
	for _, tensor := range plan.GetTensors() {
		if !tensor.GetSent() {
			continue
		}
		header.WriteByte(',')
		if err := encoder.Encode(tensor.GetName()); err != nil {
			return nil, err
		}
		header.WriteByte(':')
		if err := encoder.Encode(struct {
			DType   string    `json:"dtype"`
			Shape   []int64   `json:"shape"`
			Offsets [2]uint64 `json:"data_offsets"`
		}{"F32", append([]int64{}, tensor.GetShape()...), [2]uint64{tensor.GetOffset(), tensor.GetOffset() + tensor.GetBytes()}}); err != nil {
			return nil, err
		}
	}
	header.WriteByte('}')
	header.Write(bytes.Repeat([]byte{' '}, -header.Len()&7))
	binary.LittleEndian.PutUint64(header.Bytes(), uint64(header.Len()-8))
	return header.Bytes(), nil
}

// trimmed drops the line feed that json.Encoder writes behind each value.
type trimmed struct{ *bytes.Buffer }

func (t *trimmed) Write(line []byte) (int, error) {
	t.Buffer.Write(bytes.TrimSuffix(line, []byte{'\n'}))
	return len(line), nil
}
