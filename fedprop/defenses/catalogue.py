"""Every protocol, one a line: registry and doors follow from this list."""

from fedprop.defenses.fl_wbc import FlWbc as FlWbc
from fedprop.defenses.heterofl import HeteroFl as HeteroFl
from fedprop.defenses.mab_rfl import MabRfl as MabRfl
from fedprop.defenses.rsa import Rsa as Rsa
from fedprop.defenses.siren_plus import SirenPlus as SirenPlus
from fedprop.defenses.soteria import Soteria as Soteria
