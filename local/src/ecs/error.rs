use std::fmt;

/// What Amazon ECS answers when it refuses: HTTP 400 with `{"__type": code, "message": message}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The name of the exception, for example `ClientException`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
}

impl ApiError {
    pub(super) fn new(code: &str, message: impl Into<String>) -> ApiError {
        ApiError {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn client(message: impl Into<String>) -> ApiError {
        ApiError::new("ClientException", message)
    }

    pub(super) fn parameter(message: impl Into<String>) -> ApiError {
        ApiError::new("InvalidParameterException", message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
