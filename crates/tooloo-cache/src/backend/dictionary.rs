//! zstd dictionaries: trained on a sample of what is stored, off the path, and kept while entries need them.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{self, Receiver, TryRecvError},
    },
    thread,
};

use xxhash_rust::xxh3::xxh3_64;
use zstd::zstd_safe::{CDict, DDict};

use super::compression::Compression;

/// Bodies that a dictionary helps: longer ones bring their own context.
const SAMPLE_BYTES: std::ops::RangeInclusive<usize> = 64..=32 << 10;

/// A training begins with so many bodies, or with bodies of so many dictionaries' bytes.
const SAMPLES: usize = 2000;
const SAMPLED_DICTIONARIES: usize = 40;

/// A new dictionary must save as much over the old one.
const GAIN: f64 = 0.05;

/// A trained dictionary, ready to write and to read with.
pub(crate) struct Dictionary {
    id: u32,
    bytes: Vec<u8>,
    writing: CDict<'static>,
    reading: DDict<'static>,
}

/// The dictionaries that stored entries need, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    known: RwLock<HashMap<u32, Arc<Dictionary>>>,
}

/// Collects samples of what is stored, and trains dictionaries on them.
#[derive(Debug)]
pub(crate) struct Trainer {
    level: i32,
    dictionary_bytes: usize,
    samples: Vec<Vec<u8>>,
    sampled_bytes: usize,
    seen: usize,
    training: Option<Receiver<Option<Vec<u8>>>>,
}

impl Dictionary {
    /// Makes a dictionary of its bytes; `None` where they are none.
    pub(crate) fn new(bytes: Vec<u8>, level: i32) -> Option<Self> {
        let reading = DDict::try_create(&bytes)?;
        let writing = CDict::try_create(&bytes, level)?;
        Some(Self {
            id: name(&bytes),
            bytes,
            writing,
            reading,
        })
    }

    /// Returns its id: a hash of its bytes, never zero.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn writing(&self) -> &CDict<'static> {
        &self.writing
    }

    pub(crate) fn reading(&self) -> &DDict<'static> {
        &self.reading
    }
}

impl Dictionaries {
    pub(crate) fn find(&self, id: u32) -> Option<Arc<Dictionary>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }

    pub(crate) fn add(&self, dictionary: Arc<Dictionary>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(dictionary.id(), dictionary);
    }

    /// Forgets those that nobody needs any more.
    pub(crate) fn retain(&self, needed: impl Fn(u32) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| needed(*id));
    }
}

impl Trainer {
    /// Trains dictionaries of so many bytes.
    pub(crate) fn new(dictionary_bytes: usize, level: i32) -> Self {
        Self {
            level,
            dictionary_bytes,
            samples: Vec::new(),
            sampled_bytes: 0,
            seen: 0,
            training: None,
        }
    }

    /// Looks at a body that is about to be stored: each seen so far is in the sample with the same chance.
    pub(crate) fn sample(&mut self, body: &[u8]) {
        if self.dictionary_bytes == 0 || !SAMPLE_BYTES.contains(&body.len()) {
            return;
        }
        self.seen += 1;
        if self.samples.len() < SAMPLES && !self.has_enough() {
            self.sampled_bytes += body.len();
            self.samples.push(body.to_vec());
        } else {
            let place = fastrand::usize(..self.seen);
            let Some(sample) = self.samples.get_mut(place) else {
                return;
            };
            let bytes = self.sampled_bytes - sample.len() + body.len();
            if bytes <= 2 * SAMPLED_DICTIONARIES * self.dictionary_bytes {
                self.sampled_bytes = bytes;
                *sample = body.to_vec();
            }
        }
    }

    /// Begins to train on a thread of its own, where the sample is large enough and none is under way.
    pub(crate) fn train(&mut self, present: Option<Arc<Dictionary>>) {
        if self.training.is_some() || !self.has_enough() {
            return;
        }
        let samples = std::mem::take(&mut self.samples);
        (self.sampled_bytes, self.seen) = (0, 0);
        let (level, size) = (self.level, self.dictionary_bytes);
        let (done, training) = mpsc::channel();
        let thread = thread::Builder::new().name("tooloo-cache-train".to_owned());
        let started = thread.spawn(move || {
            // The other end may be gone by now.
            let _ = done.send(trained(&samples, size, level, present.as_deref()));
        });
        self.training = started.is_ok().then_some(training);
    }

    /// Returns the dictionary whose training has ended well, once.
    pub(crate) fn finished(&mut self) -> Option<Arc<Dictionary>> {
        let result = match self.training.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => None,
            Ok(result) => result,
        };
        self.training = None;
        Dictionary::new(result?, self.level).map(Arc::new)
    }

    fn has_enough(&self) -> bool {
        let wanted = SAMPLED_DICTIONARIES * self.dictionary_bytes;
        wanted > 0 && (self.sampled_bytes >= wanted || self.samples.len() >= SAMPLES)
    }
}

/// Trains on three quarters of the sample, and returns the dictionary where it does better on the rest
/// than the present one does.
fn trained(
    samples: &[Vec<u8>],
    size: usize,
    level: i32,
    present: Option<&Dictionary>,
) -> Option<Vec<u8>> {
    let (known, unknown) = samples.split_at(samples.len() / 4 * 3);
    let bytes = zstd::dict::from_samples(known, size).ok()?;
    let dictionary = Dictionary::new(bytes, level)?;
    let (new, old) = (
        compressed(unknown, Some(&dictionary), level),
        compressed(unknown, present, level),
    );
    (new < old * (1.0 - GAIN)).then_some(dictionary.bytes)
}

#[expect(clippy::cast_precision_loss, reason = "a sample is no petabyte")]
fn compressed(samples: &[Vec<u8>], dictionary: Option<&Dictionary>, level: i32) -> f64 {
    let compression = Compression::new(level);
    let sizes = samples.iter().map(|sample| {
        let small = compression.compress(sample, dictionary);
        small.map_or(sample.len(), |(_, small)| small.len())
    });
    sizes.sum::<usize>() as f64
}

/// Returns the id of the dictionary of these bytes.
pub(crate) fn name(bytes: &[u8]) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let half = xxh3_64(bytes) as u32;
    half.max(1)
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dictionary").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use flate2::write::GzEncoder;

    use super::*;

    /// JSON as a service answers it: the same members over and over, values that differ.
    fn report(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut rows = String::new();
        for _ in 0..6 {
            let (id, score, tokens) = (random.u32(..), random.u16(..1000), random.u16(..));
            let name: String = (0..10).map(|_| random.lowercase()).collect();
            let state = ["queued", "running", "done", "failed"][random.usize(..4)];
            let row = format!(
                r#"{{"identifier":"{id:08x}","customerName":"{name}","completionState":"{state}","averageScore":0.{score},"consumedTokens":{tokens},"recommendedAction":"none"}},"#
            );
            rows.push_str(&row);
        }
        format!(r#"{{"kind":"report","generatedBy":"tooloo","version":3,"entries":[{rows}null]}}"#)
            .into()
    }

    fn ratio(part: usize, whole: usize) -> f64 {
        let number = |bytes| f64::from(u32::try_from(bytes).unwrap());
        number(part) / number(whole)
    }

    fn wait_for(trainer: &mut Trainer) -> Option<Arc<Dictionary>> {
        for _ in 0..6000 {
            if let Some(dictionary) = trainer.finished() {
                return Some(dictionary);
            }
            trainer.training.as_ref()?;
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the training does not end");
    }

    #[test]
    fn with_a_dictionary_templated_json_takes_little_of_what_gzip_makes_of_it() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut trainer = Trainer::new(16 << 10, 3);
        for _ in 0..1000 {
            trainer.sample(&report(&mut random));
        }
        trainer.train(None);
        let dictionary = wait_for(&mut trainer).expect("a dictionary that helps");
        let compression = Compression::new(3);
        let (mut plain, mut ours, mut gzip) = (0, 0, 0);
        for _ in 0..200 {
            let body = report(&mut random);
            let (coding, small) = compression.compress(&body, Some(&dictionary)).unwrap();
            let back = compression.decompress(coding, &small, body.len(), Some(&dictionary));
            assert_eq!(back.unwrap(), body);
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(&body).unwrap();
            plain += body.len();
            ours += small.len();
            gzip += encoder.finish().unwrap().len();
        }
        let ratio = ratio(ours, gzip);
        println!("plain {plain}, gzip-6 {gzip}, ours {ours}: {ratio:.2} of gzip-6");
        assert!(ratio <= 0.6, "{ours} bytes are {ratio:.2} of gzip's {gzip}");
    }

    #[test]
    fn a_dictionary_that_does_not_help_is_not_taken() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut trainer = Trainer::new(1024, 3);
        for _ in 0..1000 {
            let noise: Vec<u8> = (0..200).map(|_| random.u8(..)).collect();
            trainer.sample(&noise);
        }
        trainer.train(None);
        assert!(wait_for(&mut trainer).is_none());
    }

    #[test]
    fn the_sample_is_bounded() {
        let mut trainer = Trainer::new(1 << 20, 3);
        for _ in 0..SAMPLES * 2 {
            trainer.sample(&[7; 100]);
        }
        assert_eq!(trainer.samples.len(), SAMPLES);
        trainer.sample(&vec![7; 100_000]);
        assert_eq!(trainer.sampled_bytes, SAMPLES * 100);
    }
}
