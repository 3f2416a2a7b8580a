"""What answers people, wired: models, memory, preferences, experiments, words, the log."""

from __future__ import annotations

from concurrent.futures import Executor

from cine_recommender.domain.reranking import Reranking
from cine_recommender.flows.answering import (
    AssignsVariants,
    KnowsPreferences,
    Options,
    RemembersPeople,
    ServesTaste,
    TakesDown,
)
from cine_recommender.flows.asking import Asking
from cine_recommender.flows.because import BecauseYouWatched
from cine_recommender.flows.group import FindsPeople, ForGroup, SharesTaste
from cine_recommender.flows.onboarding import Onboarding
from cine_recommender.flows.prediction import Predicting
from cine_recommender.flows.recommend import Recommend
from cine_recommender.flows.shipped import CatalogueCards
from cine_recommender.language.reading import WishReader
from cine_recommender.language.wording import Wording
from cine_recommender.models.served import ServedContent
from cine_recommender.servicer.because import BecauseCalls
from cine_recommender.servicer.elements import encoded
from cine_recommender.servicer.group import GroupCalls
from cine_recommender.servicer.onboarding import OnboardingCalls
from cine_recommender.servicer.prediction import PredictionCalls
from cine_recommender.servicer.recommendations import RecommendationCalls
from cine_recommender.settings import RecommenderSettings
from cinemesh.clock import Clock, utc_now
from cinemesh.paging import PageTokens
from cinemesh.textencoder.present import PresentEncoder


def options_of(settings: RecommenderSettings) -> Options:
    """Returns how answers are made, by the settings."""
    return Options(
        reranking=Reranking(
            diversity=settings.diversity,
            calibration=settings.calibration,
            per_director=settings.max_per_director,
            per_series=settings.max_per_series,
        ),
        cache_seconds=settings.cache_seconds,
        cache_bytes=settings.cache_mib * 1024 * 1024,
        words_change=bool(settings.ollama_url),
    )


class Recommending:
    """Everything that answers people.

    Attributes:
        recommend: makes answers.
        because: makes rows for films liked.
        onboarding: picks films to ask about.
        predicting: predicts ratings.
        for_group: recommends to several people at once.

    Args:
        settings: of the service.
        content: the content model being served.
        taste: the hybrid model being served.
        memory: what is known of people.
        preferences: what people prefer.
        people: knows people by name.
        sharing: knows who lets others use their taste.
        assigner: variants of experiments.
        impressions: the log of answers.
        executor: threads for the work of models.
        present: gives the sentence encoder, where there is one.
        reader: reads wishes in words.
        wording: words reasons.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: RecommenderSettings,
        *,
        content: ServedContent,
        taste: ServesTaste,
        memory: RemembersPeople,
        preferences: KnowsPreferences,
        people: FindsPeople,
        sharing: SharesTaste,
        assigner: AssignsVariants,
        impressions: TakesDown,
        executor: Executor,
        present: PresentEncoder,
        reader: WishReader,
        wording: Wording,
        clock: Clock = utc_now,
    ) -> None:
        self._content, self._reader, self._clock = content, reader, clock
        asking = Asking(
            content=content,
            taste=taste,
            memory=memory,
            preferences=preferences,
            assigner=assigner,
            executor=executor,
            present=present,
        )
        self.recommend = Recommend(
            asking=asking,
            wording=wording,
            impressions=impressions,
            cards=CatalogueCards(settings),
            executor=executor,
            encode=encoded,
            options=options_of(settings),
            clock=clock,
        )
        self.because = BecauseYouWatched(asking, wording, executor, clock)
        self.onboarding = Onboarding(asking, executor)
        self.predicting = Predicting(asking, executor)
        self.for_group = ForGroup(
            asking=asking,
            memory=memory,
            people=people,
            sharing=sharing,
            wording=wording,
            executor=executor,
            clock=clock,
        )

    def parts(self, tokens: PageTokens) -> tuple[object, ...]:
        """Returns what answers the calls that recommend, for `RecommenderServicer`."""
        return (
            RecommendationCalls(self._content, self.recommend, self._reader, tokens, self._clock),
            BecauseCalls(self._content, self.because),
            OnboardingCalls(self.onboarding),
            PredictionCalls(self.predicting),
            GroupCalls(self._content, self.for_group),
        )
