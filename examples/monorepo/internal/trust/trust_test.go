package trust

import "testing"

func TestTheLayerHoldsOneAuthority(t *testing.T) {
	authorities, err := Authorities("../../layers/certs/ca.pem")
	if err != nil || len(authorities) != 1 || !authorities[0].IsCA {
		t.Fatalf("got %v, %v", authorities, err)
	}
}

func TestWithoutTheLayerThereIsNone(t *testing.T) {
	if authorities, err := Authorities("absent.pem"); err != nil || len(authorities) != 0 {
		t.Fatalf("got %v, %v", authorities, err)
	}
}
