//! Tests of the codecs as a tap uses them.
