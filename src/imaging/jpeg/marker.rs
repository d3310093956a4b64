//! The second byte of each marker of a JPEG file (ITU-T T.81, table B.1).

pub(in crate::imaging) const TEM: u8 = 0x01;
pub(in crate::imaging) const SOF0: u8 = 0xc0;
pub(in crate::imaging) const SOF1: u8 = 0xc1;
pub(in crate::imaging) const DHT: u8 = 0xc4;
pub(in crate::imaging) const RST0: u8 = 0xd0;
pub(in crate::imaging) const SOI: u8 = 0xd8;
pub(in crate::imaging) const EOI: u8 = 0xd9;
pub(in crate::imaging) const SOS: u8 = 0xda;
pub(in crate::imaging) const DQT: u8 = 0xdb;
pub(in crate::imaging) const DRI: u8 = 0xdd;
pub(in crate::imaging) const APP0: u8 = 0xe0;
pub(in crate::imaging) const APP1: u8 = 0xe1;
pub(in crate::imaging) const APP2: u8 = 0xe2;
pub(in crate::imaging) const APP14: u8 = 0xee;
pub(in crate::imaging) const APP15: u8 = 0xef;
pub(in crate::imaging) const COM: u8 = 0xfe;
