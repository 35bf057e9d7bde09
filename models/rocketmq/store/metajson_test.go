package store

import "testing"

// A table of offsets as a broker writes it, and back.
func TestFastJSON(t *testing.T) {
	const compact = `{"offsetTable":{"%RETRY%g@g":{"0":0},"t0@g":{"0":250,"1":7}},"empty":{},"text":"12"}`
	const want = "{\n\t\"offsetTable\":{\n\t\t\"%RETRY%g@g\":{0:0\n\t\t},\n\t\t\"t0@g\":{0:250,1:7\n\t\t}\n\t},\n\t\"empty\":{},\n\t\"text\":\"12\"\n}"
	got := FastJSON([]byte(compact))
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if back := StandardJSON([]byte("{\n\t\"offsetTable\":{3:2, 10:4\n\t}\n}")); string(back) != "{\n\t\"offsetTable\":{\"3\":2, \"10\":4\n\t}\n}" {
		t.Errorf("%s", back)
	}
}
