//! The line between C and Rust: pointers become references or errors, panics become errors.
//! What is behind the line knows no pointers; what is before it is in `abi`.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::slice;

use crate::error::Error;

/// Runs the body of a fallible C function: gives its error to the caller, and a panic as one.
///
/// What a body was changing when it panicked is no longer used: an inquiry takes its insides out while it changes them.
pub(crate) fn boundary(body: impl FnOnce() -> Result<(), Error>) -> Option<Box<Error>> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Box::new(error)),
        Err(_) => Some(Box::new(Error::internal())),
    }
}

/// Runs the body of a C function that can't fail; a panic gives `fallback`.
pub(crate) fn boundary_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// Returns the object behind a pointer of C, or says which one is NULL.
pub(crate) fn object<T>(pointer: Option<T>, name: &str) -> Result<T, Error> {
    pointer.ok_or_else(|| Error::misuse(format!("`{name}` is NULL")))
}

/// Returns the bytes that a pointer and a size describe. NULL with the size 0 is no bytes.
///
/// # Safety
/// `data` is NULL, or `size` bytes can be read there and nobody changes them during `'a`.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, size: usize, name: &str) -> Result<&'a [u8], Error> {
    if data.is_null() {
        return if size == 0 { Ok(&[]) } else { Err(Error::misuse(format!("`{name}` is NULL, and its size is {size}"))) };
    }
    if isize::try_from(size).is_err() {
        return Err(Error::misuse(format!("the size of `{name}` is {size}, which no object can have")));
    }
    // SAFETY: not NULL, not too large; and the caller of this function vouches for the rest.
    Ok(unsafe { slice::from_raw_parts(data.cast(), size) })
}

/// Returns the text that a pointer and a size describe.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, size: usize, name: &str) -> Result<&'a str, Error> {
    // SAFETY: the caller of this function vouches for it.
    let bytes = unsafe { bytes(data.cast(), size, name) }?;
    std::str::from_utf8(bytes).map_err(|_| Error::misuse(format!("`{name}` is not UTF-8")))
}

/// The place where C wants an object put. It holds NULL until there is one.
pub(crate) struct Out<T> {
    // INVARIANT: can be written for as long as the C function runs.
    slot: NonNull<*mut T>,
}

impl<T> Out<T> {
    /// Takes the place, and writes NULL there. What was there isn't read: C needn't have initialised it.
    ///
    /// # Safety
    /// `slot` is NULL, or can be written for as long as the returned value lives.
    pub(crate) unsafe fn cleared(slot: *mut *mut T, name: &str) -> Result<Self, Error> {
        let slot = object(NonNull::new(slot), name)?;
        // SAFETY: not NULL, and the caller of this function vouches for the rest. `write` neither reads nor drops.
        unsafe { ptr::write(slot.as_ptr(), ptr::null_mut()) };
        Ok(Self { slot })
    }

    /// Puts the object there; from now on it's the caller's.
    pub(crate) fn put(self, object: T) {
        // SAFETY: by the invariant of `slot`.
        unsafe { ptr::write(self.slot.as_ptr(), Box::into_raw(Box::new(object))) };
    }
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use super::*;
    use crate::code::Code;

    fn code(error: Option<Box<Error>>) -> Code {
        error.map_or(Code::None, |error| error.code())
    }

    #[test]
    fn a_panic_is_an_error_that_does_not_repeat_what_it_said() {
        let error = boundary(|| panic!("the passphrase is hunter2")).unwrap();
        assert_eq!(error.code(), Code::Internal);
        assert!(!error.message().to_str().unwrap().contains("hunter2"));
        assert!(!boundary_or(false, || panic!("anything")));
    }

    #[test]
    fn a_place_that_was_never_initialised_is_written_and_not_read() {
        let mut place = MaybeUninit::<*mut String>::uninit();
        let error = boundary(|| {
            // SAFETY: the place lives until the end of the function.
            let _out = unsafe { Out::cleared(place.as_mut_ptr(), "place") }?;
            Err(Error::misuse("something else was wrong"))
        });
        assert_eq!(code(error), Code::Misuse);
        // SAFETY: `cleared` has written it.
        assert!(unsafe { place.assume_init() }.is_null());
        let error = boundary(|| {
            // SAFETY: as above.
            unsafe { Out::cleared(place.as_mut_ptr(), "place") }?.put("made".to_owned());
            Ok(())
        });
        assert_eq!(code(error), Code::None);
        // SAFETY: `put` has written a box that nobody else has.
        assert_eq!(*unsafe { Box::from_raw(place.assume_init()) }, "made");
    }

    #[test]
    fn null_is_refused_by_name_except_for_no_bytes() {
        // SAFETY: NULL is allowed by every one of them.
        unsafe {
            assert_eq!(bytes(ptr::null(), 0, "json").unwrap(), b"");
            assert_eq!(bytes(ptr::null(), 1, "json").unwrap_err().message().to_str(), Ok("`json` is NULL, and its size is 1"));
            assert_eq!(Out::<u8>::cleared(ptr::null_mut(), "wanted").err().unwrap().code(), Code::Misuse);
        }
        assert_eq!(object(None::<&u8>, "policy").unwrap_err().message().to_str(), Ok("`policy` is NULL"));
    }

    #[test]
    fn refuses_sizes_that_no_object_has_and_text_that_is_not_utf_8() {
        // SAFETY: the size is refused before anything is read; the second has two readable bytes.
        unsafe {
            assert!(bytes(b"x".as_ptr().cast(), usize::MAX, "json").is_err());
            assert_eq!(text([0xC3_u8, 0x28].as_ptr().cast(), 2, "why").unwrap_err().message().to_str(), Ok("`why` is not UTF-8"));
        }
    }
}
